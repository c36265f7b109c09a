import { counted } from '../../diagnosis/numbers.ts'
import { type Holdings, positionOf, whyKept } from '../../journal/holdings.ts'
import type { CleanResult } from '../../model/cleaning.ts'
import type { Host } from '../../model/host.ts'
import { visible } from '../../report/format.ts'
import { cleaningJson } from '../../report/json/cleaning.ts'
import { jsonText } from '../../report/json/text.ts'
import { cleaningText } from '../../report/text/cleaning.ts'
import { holdingsText } from '../../report/text/holdings.ts'
import { cleanHost } from '../../run/clean-host.ts'
import { formatFrom } from '../arguments.ts'
import { checkApproval } from '../change-fleet.ts'
import { checkAll } from '../checks.ts'
import { EXIT, type ExitCode, exitCodeOfCleaning } from '../exit-code.ts'
import { runPhase } from '../fleet-phase.ts'
import { decideHoldings, holdingsFleet, type Listed } from '../holdings-fleet.ts'
import { CHANGING, forksFrom, READING } from '../parallel.ts'
import { type TargetWords, targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'

export type CleanWords = TargetWords & {
  readonly yes: boolean
  readonly needsHands: boolean
  readonly format: string
  readonly forks: string | undefined
}

/** Removes from hosts what ctfleet keeps there; what was changed stays, and cannot be taken back by ctfleet any more. */
export async function cleanCommand(words: CleanWords, terminal: Terminal): Promise<ExitCode> {
  const { targets, format, asking, parallel } = await checkAll({
    approval: () => checkApproval(words.yes, terminal),
    targets: () => targetsFrom(words),
    format: () => formatFrom(words.format),
    asking: () => forksFrom(words.forks, READING),
    parallel: () => forksFrom(words.forks, CHANGING),
  })
  const held = await holdingsFleet(targets.hosts, asking, terminal)
  if (format === 'text') terminal.print(holdingsText(terminal.paper, held))
  else if (!words.yes) terminal.say(holdingsText(terminal.notices, held))

  const withSome = held.filter(isListed).filter(({ transactions, lock }) => transactions.length > 0 || lock !== null)
  const inForce = withSome.filter((one) => countInForce(one) > 0).map(({ host }) => host)
  if (inForce.length > 0) {
    terminal.say([
      '',
      `Changes that are in force stay so on ${visible(inForce.join(', '))}, files of theirs too, and their undo is gone then.`,
      `To take them back instead: ctfleet rollback --from-hosts ${visible(targets.inventory)}`,
    ])
  }
  const question = (one: Listed) => questionFor(one, words.needsHands)
  const decided = await decideHoldings(withSome, { yes: words.yes, question }, terminal)
  if (decided === 'interrupted') {
    terminal.say(['Nothing was removed.'])
    return EXIT.interrupted
  }
  const byName = new Map(targets.hosts.map((host) => [host.name, host]))
  const approved = decided.flatMap(({ one, decision }) => {
    const host = byName.get(one.host)
    return decision === 'yes' && host !== undefined ? [{ name: host.name, groups: host.groups, host, one }] : []
  })
  const cleaned =
    approved.length === 0
      ? []
      : await runPhase(
          {
            title: 'Cleaning',
            hosts: approved,
            parallel,
            story: async ({ host, one }, telling): Promise<CleanResult> =>
              await cleanHost({ host, transactions: one.transactions, needsHandsToo: words.needsHands }, telling),
            onLeaving: ['What is left goes by the same words again.'],
          },
          terminal,
        )
  const results = inOrder(targets.hosts, [
    ...cleaned,
    ...decided.flatMap(({ one: { host }, decision }) => (decision === 'yes' ? [] : [{ host, status: decision }])),
    ...held.flatMap((one): readonly CleanResult[] => (isListed(one) ? [] : [one])),
    ...held.filter(isListed).flatMap((one): readonly CleanResult[] => {
      return withSome.includes(one) ? [] : [{ host: one.host, status: 'clean', removed: [] }]
    }),
  ])
  if (format === 'json') terminal.printText(jsonText(cleaningJson(results)))
  else terminal.print(['', ...cleaningText(terminal.paper, results)])
  return exitCodeOfCleaning(results)
}

function isListed(one: Holdings): one is Listed {
  return one.status === 'listed'
}

function countInForce({ transactions }: Listed): number {
  return transactions.filter((each) => positionOf(each) === 'committed').length
}

function questionFor(one: Listed, needsHandsToo: boolean): string {
  const { host, transactions } = one
  const kept = transactions.filter((each) => whyKept(each, needsHandsToo) !== null).length
  const inForce = countInForce(one)
  const parts = [
    `what is kept of ${counted(transactions.length - kept, 'transaction', 'transactions')}`,
    ...(inForce === 0 ? [] : [`the undo of ${inForce} in force`]),
  ]
  const rest = kept === 0 ? '' : `, but not of ${kept} that must stay for now`
  return `${visible(host)}: remove ${parts.join(', with it ')}${rest}?`
}

function inOrder(hosts: readonly Host[], results: readonly CleanResult[]): readonly CleanResult[] {
  const byHost = new Map(results.map((result) => [result.host, result]))
  return hosts.flatMap(({ name }) => byHost.get(name) ?? [])
}
