import type { Host } from '../model/host.ts'
import type { HostResult, LeftOut } from '../model/result.ts'
import type { KeptSessions } from '../run/kept-sessions.ts'
import { planHost, type Wish } from '../run/plan-host.ts'
import { onceEach } from '../run/same-machine.ts'
import { runPhase } from './fleet-phase.ts'
import { asideResults } from './set-aside.ts'
import type { Targets } from './targets.ts'
import type { Terminal } from './terminal.ts'
import { type Sifted, sifted } from './where.ts'

export type Planning = {
  readonly wish: Wish
  readonly parallel: number
  /** Takes the sessions of planned hosts; without it they are closed. */
  readonly kept?: KeptSessions
}

/** The planning phase of `plan` and `apply`: looks at every host and changes nothing. A machine with two names has one plan. */
export async function planFleet(
  { hosts, setAside }: Pick<Targets, 'hosts' | 'setAside'>,
  { wish, parallel, kept }: Planning,
  terminal: Terminal,
): Promise<Sifted<HostResult>> {
  const all = await runPhase(
    {
      title: 'Planning',
      hosts,
      parallel,
      story: (host: Host, telling): Promise<HostResult | LeftOut> =>
        planHost(host, wish, kept === undefined ? telling : { ...telling, kept }),
      onLeaving: ['Nothing was changed.'],
    },
    terminal,
  )
  const { results, ...others } = sifted<HostResult>(all)
  return { ...others, results: [...onceEach(results), ...asideResults(setAside)] }
}
