import type { SetAside } from '../inventory/inventory.ts'
import type { Host } from '../model/host.ts'
import type { HostResult, LeftOut } from '../model/result.ts'
import type { KeptSessions } from './kept-sessions.ts'
import type { Conduct } from './phase.ts'
import { planHost, type Wish } from './plan-host.ts'
import { onceEach } from './same-machine.ts'
import { asideResults } from './set-aside.ts'
import { type Sifted, sifted } from './where.ts'

export type Planning = {
  readonly wish: Wish
  readonly parallel: number
  /** Takes the sessions of planned hosts; without it they are closed. */
  readonly kept?: KeptSessions
}

/** The planning phase of `plan` and `apply`: looks at every host and changes nothing. A machine with two names has one plan. */
export async function planFleet(
  { hosts, setAside }: { readonly hosts: readonly Host[]; readonly setAside: readonly SetAside[] },
  { wish, parallel, kept }: Planning,
  conduct: Conduct,
): Promise<Sifted<HostResult>> {
  const all = await conduct({
    title: 'Planning',
    hosts,
    parallel,
    story: (host: Host, telling): Promise<HostResult | LeftOut> =>
      planHost(host, wish, kept === undefined ? telling : { ...telling, kept }),
    onlyReads: true,
    onLeaving: ['Nothing was changed.'],
  })
  const { results, ...others } = sifted<HostResult>(all)
  return { ...others, results: [...onceEach(results), ...asideResults(setAside)] }
}
