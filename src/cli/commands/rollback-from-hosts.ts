import { cwd } from 'node:process'
import { counted } from '../../diagnosis/numbers.ts'
import { absoluteInventory } from '../../inventory/named.ts'
import { type Holdings, positionOf, toTakeBack } from '../../journal/holdings.ts'
import type { HostTransaction } from '../../journal/listing.ts'
import type { Host } from '../../model/host.ts'
import type { HostResult } from '../../model/result.ts'
import { paragraph, visible } from '../../report/format.ts'
import { holdingsJson } from '../../report/json/holdings.ts'
import { resultsJson } from '../../report/json/plan.ts'
import { jsonText } from '../../report/json/text.ts'
import { holdingsText } from '../../report/text/holdings.ts'
import { resultText } from '../../report/text/result.ts'
import { names } from '../../report/text/status.ts'
import { beginWork } from '../../run/begin-work.ts'
import { bugLines } from '../../run/bug-lines.ts'
import { storyOnRecord } from '../../run/on-record.ts'
import { requester } from '../../run/requester.ts'
import { rollbackFromHost } from '../../run/rollback-host.ts'
import { sameMachine } from '../../run/same-machine.ts'
import type { Telling } from '../../run/story.ts'
import { newRunId } from '../../store/run-id.ts'
import type { RunStore } from '../../store/store.ts'
import { askForAccess } from '../access.ts'
import type { AccessWords } from '../access-words.ts'
import { formatFrom } from '../arguments.ts'
import { checkApproval } from '../change-fleet.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { orRemember } from '../closing.ts'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-code.ts'
import { runPhase } from '../fleet-phase.ts'
import { decideHoldings, holdingsFleet, type Listed, secondNames } from '../holdings-fleet.ts'
import type { PaceWords } from '../pace.ts'
import { CHANGING, forksFrom, READING } from '../parallel.ts'
import { kept, storeToWrite } from '../state.ts'
import { targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'

export type FromHostsWords = AccessWords &
  PaceWords & {
    readonly fromHosts: string
    /** Only what this run changed: an id or the beginning of one. */
    readonly run: string | undefined
    readonly limit: string | undefined
    readonly yes: boolean
    readonly format: string
    readonly forks: string | undefined
  }

/** Takes back what hosts say was changed on them, newest first on each; no record of it is needed here. */
export async function rollbackFromHostsCommand(words: FromHostsWords, terminal: Terminal): Promise<ExitCode> {
  const { targets, format, asking, parallel, store } = await checkAll({
    pace: () => checkNoPace(words),
    targets: () =>
      targetsFrom({ ...words, inventory: words.fromHosts, inventoryOption: undefined, limit: words.limit }),
    format: () => formatFrom(words.format),
    asking: () => forksFrom(words.forks, READING),
    parallel: () => forksFrom(words.forks, CHANGING),
    store: () => storeToWrite(terminal),
    approval: () => checkApproval(words.yes, terminal),
  })
  await askForAccess(targets.hosts, words)
  const startedAt = new Date()
  const held = await holdingsFleet(targets, asking, terminal)
  if (format === 'text') terminal.print(holdingsText(terminal.paper, held))
  else if (!words.yes) terminal.say(holdingsText(terminal.notices, held))

  const wanted = (one: Listed) => toTakeBack(one.transactions, words.run)
  // Two undos of one transaction would end each other.
  const twins = secondNames(held)
  const underOtherName = (one: Listed): readonly HostResult[] => {
    const other = twins.get(one.host)
    return other === undefined || wanted(one).length === 0 ? [] : [sameMachine(one.host, other)]
  }
  const withSome = held.filter(isListed).filter((one) => wanted(one).length > 0 && !twins.has(one.host))
  const question = (one: Listed) => questionFor(one, wanted(one))
  const decided = await decideHoldings(withSome, { yes: words.yes, question }, terminal)
  if (decided === 'interrupted') {
    terminal.say(['Nothing was changed.'])
    return EXIT.interrupted
  }
  const byName = new Map(targets.hosts.map((host) => [host.name, host]))
  const approved = decided.flatMap(({ one, decision }) => {
    const host = byName.get(one.host)
    return decision === 'yes' && host !== undefined
      ? [{ name: host.name, groups: host.groups, host, transactions: wanted(one) }]
      : []
  })
  const others = held.flatMap((one) => (isListed(one) ? [...underOtherName(one), ...stillAtIt(one)] : [one]))
  const runs = new Set(approved.flatMap(({ transactions }) => transactions.map(({ about }) => about?.run ?? null)))
  const [of = null] = runs.size === 1 ? runs : []
  const id = newRunId(startedAt)
  const run = {
    id,
    command: 'rollback',
    by: requester(),
    inventory: absoluteInventory(targets.inventory, cwd()),
    of,
  } as const
  let results: readonly HostResult[] = others
  const problems: string[] = []
  if (approved.length > 0) {
    const made = await kept(
      async () =>
        await madeBy(
          store,
          approved.flatMap(({ transactions }) => transactions),
        ),
    )
    const onBack = async (transaction: string) => {
      const own = made.get(transaction)
      if (own !== undefined) await orRemember(problems, async () => await store.record(own.run, [own.result]))
    }
    const begun = { ...run, startedAt: startedAt.toISOString(), endedAt: null, results: others }
    const { record, stopWork } = await kept(async () => await beginWork(store, begun))
    const taken = await runPhase(
      {
        title: 'Taking back',
        hosts: approved,
        parallel,
        story: async ({ name, host, transactions }, telling): Promise<HostResult> => {
          const story = async (more: Telling) => await takeBackAll(host, transactions, onBack, more)
          const onBug = (bug: unknown) => terminal.say(bugLines(name, bug))
          return await storyOnRecord({ host: name, run: id, plan: null, record, story, onBug }, telling)
        },
        onEnd: record.ended,
        onLeaving: [`To ask every host how it ended, and to finish what was begun: ctfleet resume ${id}`],
      },
      terminal,
    )
    results = [...taken, ...others]
    problems.push(...[await record.close(results, new Date())].filter((each) => each !== null))
    await stopWork()
  }
  const declined = decided.filter(({ decision }) => decision !== 'yes').map(({ one }) => one)
  if (format === 'json') {
    const recorded = approved.length > 0 ? id : null
    terminal.printText(jsonText({ ...resultsJson(results), run: recorded, holdings: holdingsJson(held) }))
  } else {
    if (withSome.length === 0) terminal.print(['', 'Nothing that could be taken back.'])
    if (results.length > 0) terminal.print(['', ...resultText(terminal.paper, results)])
  }
  if (declined.length > 0) {
    const next = `To take that back too: ctfleet rollback --from-hosts ${targets.inventory}`
    const text = `Skipped or declined, and still changed: ${names(declined)}. ${next}`
    terminal.say(['', ...paragraph(terminal.notices, { first: '', rest: '  ' }, text)])
  }
  const [problem] = problems
  if (problem === undefined) return exitCodeOf(results)
  terminal.say([`The record of run ${id} is not whole: ${problem}`])
  return exitCodeOf(results) || EXIT.someFailed
}

/** What is on its way may be in force in a moment, and is nobody's to take back until then. */
function stillAtIt({ host, transactions }: Listed): readonly HostResult[] {
  const underWay = transactions.find((each) => positionOf(each) === 'under-way')
  if (underWay === undefined || toTakeBack(transactions, undefined).length > 0) return []
  const of = underWay.about === null ? '' : ` of run ${underWay.about.run} by ${underWay.about.by}`
  const message = `transaction ${underWay.id}${of} is under way there, and may be in force in a moment`
  return [
    {
      host,
      status: 'failed',
      fault: { code: 'locked', message, next: 'wait for it to end, then run the same command again' },
    },
  ]
}

function checkNoPace({ waves, maxFail, pause }: PaceWords): void {
  const named = Object.entries({ '--waves': waves, '--max-fail': maxFail, '--pause': pause })
  const [option] = named.find(([, word]) => word !== undefined) ?? []
  if (option === undefined) return
  throw complainAbout(option, 'with --from-hosts all hosts go at once', 'leave it out, or choose hosts by --limit')
}

function isListed(one: Holdings): one is Listed {
  return one.status === 'listed'
}

function questionFor({ host }: Listed, wanted: readonly HostTransaction[]): string {
  const ids = wanted.map(({ id }) => id).join(', ')
  const order = wanted.length > 1 ? ', newest first' : ''
  return `${visible(host)}: take back ${counted(wanted.length, 'transaction', 'transactions')}${order} (${ids})?`
}

/** The hosts of runs on record here that these transactions were made by, as they stand once their change was taken back. */
async function madeBy(store: RunStore, transactions: readonly HostTransaction[]): Promise<ReadonlyMap<string, Made>> {
  const made = new Map<string, Made>()
  for (const run of new Set(transactions.flatMap(({ about }) => about?.run ?? []))) {
    const found = await store.load(run)
    if (found.type !== 'found' || found.run.id !== run) continue
    for (const result of found.run.results) {
      if (!('transaction' in result)) continue
      const { host, plan, transaction } = result
      made.set(transaction, { run, result: { host, status: 'rolled-back', plan, transaction, fault: null } })
    }
  }
  return made
}

type Made = { readonly run: string; readonly result: HostResult }

/**
 * What rests on another goes first; after one that needs a person, what is below it stays.
 * @param onBack hears of each that was taken back
 */
async function takeBackAll(
  host: Host,
  all: readonly HostTransaction[],
  onBack: (transaction: string) => Promise<void>,
  telling: Telling,
): Promise<HostResult> {
  let last: HostResult = { host: host.name, status: 'not-reached', why: 'nothing to take back' }
  let deletedEntries = false
  for (const [at, { id, about }] of all.entries()) {
    last = await rollbackFromHost({ host, transaction: id, about }, telling)
    if (last.status !== 'rolled-back')
      return withOthers(
        last,
        all.map((each) => each.id),
        at,
      )
    await onBack(id)
    deletedEntries ||= last.deletedEntries === true
  }
  return deletedEntries && last.status === 'rolled-back' ? { ...last, deletedEntries } : last
}

/** One result speaks for all of a host's transactions: of the one that stopped it, in the order in which they were tried. */
function withOthers(result: HostResult, ids: readonly string[], at: number): HostResult {
  if (!('fault' in result) || result.fault === null || result.fault === undefined) return result
  const [before, after] = [ids.slice(0, at), ids.slice(at + 1)]
  const more = [
    ...(before.length === 0 ? [] : [`taken back before it: ${before.join(', ')}`]),
    ...(after.length === 0 ? [] : [`not tried after it: ${after.join(', ')}`]),
  ]
  if (more.length === 0) return result
  return { ...result, fault: { ...result.fault, message: `${result.fault.message}; ${more.join('; ')}` } }
}
