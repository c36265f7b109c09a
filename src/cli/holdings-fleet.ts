import type { Holdings } from '../journal/holdings.ts'
import type { Host } from '../model/host.ts'
import { holdingsText } from '../report/text/holdings.ts'
import { asideResults } from '../run/set-aside.ts'
import { type OnMachine, transactionsHost } from '../run/transactions-host.ts'
import { askEach, type Decision } from './ask-each.ts'
import { runPhase } from './fleet-phase.ts'
import type { Targets } from './targets.ts'
import type { Terminal } from './terminal.ts'

export type Listed = Extract<Holdings, { readonly status: 'listed' }>

/** Asks every host what ctfleet keeps there. Changes nothing. */
export async function holdingsFleet(
  { hosts, setAside }: Pick<Targets, 'hosts' | 'setAside'>,
  parallel: number,
  terminal: Terminal,
): Promise<readonly OnMachine[]> {
  const asked = await runPhase(
    {
      title: 'Asking',
      hosts,
      parallel,
      story: async (host: Host, telling): Promise<OnMachine> => await transactionsHost(host, telling),
      onlyReads: true,
      onLeaving: ['Nothing was changed.'],
    },
    terminal,
  )
  return [...asked, ...asideResults(setAside)]
}

/** By its name, each host that is the same machine as one before it, with the name of that one. */
export function secondNames(held: readonly OnMachine[]): ReadonlyMap<string, string> {
  const first = new Map<string, string>()
  const second = new Map<string, string>()
  for (const { host, machine } of held) {
    if (machine === undefined) continue
    const other = first.get(machine)
    if (other === undefined) first.set(machine, host)
    else second.set(host, other)
  }
  return second
}

/** A decision for each of the hosts that there is something to do on; `--yes` is a yes to all. */
export async function decideHoldings(
  all: readonly Listed[],
  { yes, question }: { readonly yes: boolean; readonly question: (one: Listed) => string },
  terminal: Terminal,
): Promise<readonly { readonly one: Listed; readonly decision: Decision }[] | 'interrupted'> {
  if (terminal.interruption.signal.aborted) return 'interrupted'
  if (yes || all.length === 0) return all.map((one) => ({ one, decision: 'yes' }))
  // Loaded only where somebody is asked.
  const { askPerson } = await import('./ask.ts')
  const show = (one: Listed) => terminal.say(['', ...holdingsText(terminal.notices, [one]), ''])
  const decisions = await askEach(all, { ask: askPerson, question, show })
  if (decisions === 'interrupted') return decisions
  return all.map((one, at) => ({ one, decision: decisions[at] ?? 'skipped' }))
}
