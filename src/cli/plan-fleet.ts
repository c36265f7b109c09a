import type { Host } from '../model/host.ts'
import type { HostResult } from '../model/result.ts'
import type { KeptSessions } from '../run/kept-sessions.ts'
import { planHost, type Wish } from '../run/plan-host.ts'
import { onceEach } from '../run/same-machine.ts'
import { runPhase } from './fleet-phase.ts'
import type { Terminal } from './terminal.ts'

export type Planning = {
  readonly wish: Wish
  readonly parallel: number
  /** Takes the sessions of planned hosts; without it they are closed. */
  readonly kept?: KeptSessions
}

/** The planning phase of `plan` and `apply`: looks at every host and changes nothing. A machine with two names has one plan. */
export async function planFleet(
  hosts: readonly Host[],
  { wish, parallel, kept }: Planning,
  terminal: Terminal,
): Promise<readonly HostResult[]> {
  const results = await runPhase(
    {
      title: 'Planning',
      hosts,
      parallel,
      story: (host: Host, telling): Promise<HostResult> =>
        planHost(host, wish, kept === undefined ? telling : { ...telling, kept }),
      onLeaving: ['Nothing was changed.'],
    },
    terminal,
  )
  return onceEach(results)
}
