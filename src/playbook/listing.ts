import { join } from 'node:path'
import { type Complaint, InputError } from '../input/complaint.ts'
import { type Folders, namesIn, STRATEGY_NAMES, standardFolders } from './folders.ts'
import { loadPlaybook } from './load.ts'
import type { Playbook, StepKind } from './playbook.ts'

/** A playbook that can be asked for by its name, or what is wrong with its file. */
export type ListedPlaybook = {
  readonly name: string
  readonly file: string
  /** `shipped`: it comes with ctfleet; `own`: it is in ./playbooks, and goes before a shipped one of the same name. */
  readonly from: 'shipped' | 'own'
  readonly playbook: Playbook | null
  readonly complaints: readonly Complaint[]
}

/** All that --strategy finds by name: those judged for every host in their order, then the user's. Never throws for a mistake in one. */
export function listPlaybooks(
  kinds: readonly StepKind[],
  { own, shipped }: Folders = standardFolders(),
): readonly ListedPlaybook[] {
  const theirs = namesIn(own)
  const names = new Set([...STRATEGY_NAMES, ...theirs])
  return [...names].map((name) => {
    const isTheirs = theirs.includes(name)
    return listed(name, isTheirs ? { folder: own, from: 'own' } : { folder: shipped, from: 'shipped' }, kinds)
  })
}

/** Whether `auto` judges it for every host; any other is taken only where it is asked for. */
export function isJudgedAlways(name: string): boolean {
  return STRATEGY_NAMES.some((each) => each === name)
}

function listed(
  name: string,
  { folder, from }: { readonly folder: string; readonly from: ListedPlaybook['from'] },
  kinds: readonly StepKind[],
): ListedPlaybook {
  const file = join(folder, `${name}.yaml`)
  try {
    return { name, file, from, playbook: loadPlaybook(file, kinds, name), complaints: [] }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { name, file, from, playbook: null, complaints: error.complaints }
  }
}
