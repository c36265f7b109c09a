import type { HostResult } from '../model/result.ts'
import type { Run } from '../model/run.ts'

type Applied = Extract<HostResult, { readonly status: 'applied' }>

/** Hosts on which an apply's change still stands, as far as these runs know: none of them took it back. */
export function stillApplied(apply: Run, runs: readonly Run[]): readonly Applied[] {
  const rollbacks = runs.filter(({ command, of }) => command === 'rollback' && of === apply.id)
  const takenBack = rollbacks.flatMap(({ results }) => results.filter(({ status }) => status === 'rolled-back'))
  const hosts = new Set(takenBack.map(({ host }) => host))
  return apply.results.filter((result) => result.status === 'applied').filter(({ host }) => !hosts.has(host))
}
