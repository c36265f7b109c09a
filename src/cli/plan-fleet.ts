import type { Host } from '../model/host.ts'
import type { HostResult } from '../model/result.ts'
import { planHost, type Wish } from '../run/plan-host.ts'
import { onceEach } from '../run/same-machine.ts'
import { runPhase } from './fleet-phase.ts'
import type { Terminal } from './terminal.ts'

/** The planning phase of `plan` and `apply`: looks at every host and changes nothing. A machine with two names has one plan. */
export async function planFleet(
  hosts: readonly Host[],
  { wish, parallel }: { readonly wish: Wish; readonly parallel: number },
  terminal: Terminal,
): Promise<readonly HostResult[]> {
  const results = await runPhase(
    {
      title: 'Planning',
      hosts,
      parallel,
      story: (host: Host, telling): Promise<HostResult> => planHost(host, wish, telling),
      onLeaving: ['Nothing was changed.'],
    },
    terminal,
  )
  return onceEach(results)
}
