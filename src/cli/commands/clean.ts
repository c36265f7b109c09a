import { counted } from '../../diagnosis/numbers.ts'
import { type Holdings, positionOf, whyKept } from '../../journal/holdings.ts'
import type { CleanResult } from '../../model/cleaning.ts'
import { paragraph, visible } from '../../report/format.ts'
import { cleaningJson } from '../../report/json/cleaning.ts'
import { jsonText } from '../../report/json/text.ts'
import { cleaningText } from '../../report/text/cleaning.ts'
import { holdingsText } from '../../report/text/holdings.ts'
import { names } from '../../report/text/status.ts'
import { cleanHost } from '../../run/clean-host.ts'
import { askForAccess } from '../access.ts'
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
    targets: () => targetsFrom(words),
    format: () => formatFrom(words.format),
    asking: () => forksFrom(words.forks, READING),
    parallel: () => forksFrom(words.forks, CHANGING),
    approval: () => checkApproval(words.yes, terminal),
  })
  await askForAccess(targets.hosts, words)
  const held = await holdingsFleet(targets, asking, terminal)
  if (format === 'text') terminal.print(holdingsText(terminal.paper, held))
  else if (!words.yes) terminal.say(holdingsText(terminal.notices, held))

  const withSome = held.filter(isListed).filter(({ transactions, lock }) => transactions.length > 0 || lock !== null)
  const confirmed = withSome.filter((one) => countConfirmed(one) > 0)
  if (confirmed.length > 0) {
    const inventory = visible(targets.inventory)
    const lines = [
      `What was confirmed on ${visible(names(confirmed))} stays as it is now, in the kernel and in files; only its undo goes.`,
      `Whether it is in force: ctfleet verify ${inventory}`,
      ...(words.yes ? [] : [`To take it back instead: ctfleet rollback --from-hosts ${inventory}`]),
    ]
    terminal.say(['', ...lines.flatMap((line) => paragraph(terminal.notices, { first: '', rest: '  ' }, line))])
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
  const results = inOrder(
    [...targets.hosts, ...targets.setAside],
    [
      ...cleaned,
      ...decided.flatMap(({ one: { host }, decision }) => (decision === 'yes' ? [] : [{ host, status: decision }])),
      ...held.flatMap((one): readonly CleanResult[] => (isListed(one) ? [] : [one])),
      ...held.filter(isListed).flatMap((one): readonly CleanResult[] => {
        return withSome.includes(one) ? [] : [{ host: one.host, status: 'clean', removed: [] }]
      }),
    ],
  )
  if (format === 'json') terminal.printText(jsonText(cleaningJson(results)))
  else terminal.print(['', ...cleaningText(terminal.paper, results)])
  return exitCodeOfCleaning(results)
}

function isListed(one: Holdings): one is Listed {
  return one.status === 'listed'
}

function countConfirmed({ transactions }: Listed): number {
  return transactions.filter((each) => positionOf(each) === 'committed').length
}

function questionFor(one: Listed, needsHandsToo: boolean): string {
  const { host, transactions } = one
  const kept = transactions.filter((each) => whyKept(each, needsHandsToo) !== null).length
  const confirmed = countConfirmed(one)
  const all = counted(transactions.length - kept, 'transaction', 'transactions')
  const loss = confirmed === 0 ? '' : ` (${confirmed} can then not be taken back)`
  const rest = kept === 0 ? '' : `, but not ${kept} that must stay for now`
  return `${visible(host)}: forget ${all}${loss}${rest}?`
}

function inOrder(hosts: readonly { readonly name: string }[], results: readonly CleanResult[]): readonly CleanResult[] {
  const byHost = new Map(results.map((result) => [result.host, result]))
  return hosts.flatMap(({ name }) => byHost.get(name) ?? [])
}
