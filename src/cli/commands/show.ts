import { existsSync } from 'node:fs'
import { didYouMean } from '../../input/nearest.ts'
import type { Holdings } from '../../journal/holdings.ts'
import type { Change } from '../../model/change.ts'
import type { Plan } from '../../model/plan.ts'
import type { HostResult } from '../../model/result.ts'
import { isSealed } from '../../plan/seal.ts'
import { asDone } from '../../report/backwards.ts'
import { planTold } from '../../report/catalog/plan-told.ts'
import { paragraph, visible } from '../../report/format.ts'
import { holdingsJson } from '../../report/json/holdings.ts'
import { resultsJson } from '../../report/json/plan.ts'
import { jsonText } from '../../report/json/text.ts'
import { planMarkdown } from '../../report/markdown/plan.ts'
import { groupLines, planText, scriptText } from '../../report/text/plan.ts'
import { resultText } from '../../report/text/result.ts'
import { journalText, runHeadText } from '../../report/text/run.ts'
import { undoText } from '../../report/text/undo.ts'
import type { AuditFound } from '../../store/history.ts'
import { askForAccess } from '../access.ts'
import type { AccessWords } from '../access-words.ts'
import { formatFrom, planFormatFrom } from '../arguments.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { findRun, type Last } from '../find-run.ts'
import { holdingsFleet } from '../holdings-fleet.ts'
import { readSavedPlan } from '../saved-plan.ts'
import { kept, openStore } from '../state.ts'
import { usable } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { findAudit, showAudit } from './show-audit.ts'

export type ShowWords = AccessWords & {
  /** A file that `plan -o` saved, or a run, or an audit. */
  readonly what: string
  readonly host: string | undefined
  readonly full?: boolean
  readonly scripts: boolean
  /** What is named is an audit. */
  readonly audit?: boolean
  readonly format: string
}

const LAST: Last = { fits: () => true, none: 'nothing was run from here yet', orFile: true }

/** Prints a saved plan, or a run or an audit as it is on record; a run's host is asked for its journal, and nothing else is contacted. */
export async function showCommand(words: ShowWords, terminal: Terminal): Promise<ExitCode> {
  if (words.what !== 'last' && existsSync(words.what)) return await showPlan(words, terminal)
  const audit = await auditMeant(words, terminal)
  return audit === null ? await showRun(words, terminal) : await showAudit(audit, words, terminal)
}

/** Where it is asked for, or no run is called so and an audit is; else null. */
async function auditMeant({ what, audit }: ShowWords, terminal: Terminal): Promise<AuditFound | null> {
  if (audit === true) return await findAudit(what, terminal)
  const store = openStore(terminal)
  const isRun = await kept(async () => (what === 'last' ? (await store.list()).runs.length > 0 : await store.has(what)))
  const found = isRun ? null : await findAudit(what, terminal)
  return found?.type === 'none' ? null : found
}

async function showPlan(words: ShowWords, terminal: Terminal): Promise<ExitCode> {
  const { document, format } = await checkAll({
    document: () => readSavedPlan(words.what),
    format: () => planFormatFrom(words.format),
  })
  const { id, createdAt, inventory, hosts: all } = document
  const only = words.host === undefined ? null : resultOf(`saved plan ${id.slice(0, 12)}`, all, words.host)
  const hosts = only === null ? all : [only]
  if (format === 'json') {
    terminal.printText(jsonText({ ...resultsJson(hosts), id, createdAt, inventory }))
    return EXIT.asWanted
  }
  const { paper } = terminal
  const made = `Plan ${id.slice(0, 12)} for ${inventory}, made ${createdAt.slice(0, 16).replace('T', ' ')} UTC`
  if (format === 'markdown') {
    terminal.printText(planMarkdown(made, planTold(hosts)))
    return EXIT.asWanted
  }
  terminal.print([
    ...paragraph(paper, '', made),
    ...(only === null
      ? planText(paper, hosts, words.full === true ? 'full' : 'short')
      : groupLines(paper, [only], 'full')),
    ...(words.scripts ? scriptText(paper, hosts) : []),
  ])
  return EXIT.asWanted
}

async function showRun(words: ShowWords, terminal: Terminal): Promise<ExitCode> {
  const store = openStore(terminal)
  const { run, format } = await checkAll({
    run: () => findRun(store, words.what, LAST, terminal),
    format: () => formatFrom(words.format),
  })
  const { runs } = await kept(async () => await store.list())
  const later = runs.filter(({ of }) => of === run.id).reverse()
  const results = words.host === undefined ? run.results : [resultOf(`run ${run.id}`, run.results, words.host)]
  const [only] = words.host === undefined ? [] : results
  const holdings = only === undefined ? null : await askHost(only, words, terminal)
  const { paper } = terminal
  if (format === 'json') {
    const { results: _, ...head } = run
    const held = holdings === null ? [] : holdingsJson([holdings])
    terminal.printText(jsonText({ ...head, ...resultsJson(results), run: run.id, holdings: held }))
  } else {
    const done = asDone({ command: run.command, results })
    terminal.print([
      ...runHeadText(paper, run, later),
      '',
      ...(only === undefined
        ? planText(paper, done, words.full === true ? 'full' : 'short')
        : groupLines(paper, done, 'full')),
      '',
      ...resultText(paper, results),
      ...(only === undefined ? [] : hostLines(only, holdings, terminal)),
      ...(words.scripts ? scriptText(paper, results) : []),
    ])
    const [first] = run.results.filter((result) => 'transaction' in result)
    if (only === undefined && first !== undefined) {
      terminal.say(['', `A host's journal and its undo script: ctfleet show ${run.id} ${visible(first.host)}`])
    }
  }
  return holdings === null || holdings.status === 'listed' ? EXIT.asWanted : EXIT.someFailed
}

function resultOf<R extends { readonly host: string }>(place: string, results: readonly R[], host: string): R {
  const found = results.find((result) => result.host === host)
  if (found !== undefined) return found
  const all = results.map((result) => result.host)
  throw complainAbout(
    host,
    `${place} has no host of this name`,
    didYouMean(host, all) ?? `it has ${all.slice(0, 12).join(', ')}`,
  )
}

/** Null where there is nothing to ask for, or no address to ask at. */
async function askHost(result: HostResult, words: ShowWords, terminal: Terminal): Promise<Holdings | null> {
  if (!('transaction' in result) || result.plan === null) return null
  if (!isSealed(result.plan)) {
    terminal.say(['Its record is not as it was written (the digest does not match), so the host is not asked.'])
    return null
  }
  await askForAccess(await usable([result.plan.host], words), words)
  const [holdings] = await holdingsFleet({ hosts: [result.plan.host], setAside: [] }, 1, terminal)
  return holdings ?? null
}

function hostLines(result: HostResult, holdings: Holdings | null, { paper }: Terminal): readonly string[] {
  if (!('transaction' in result)) return []
  const { transaction, plan } = result
  return [
    ...(holdings === null ? [] : ['', ...journalText(paper, { holdings, transaction, plan })]),
    ...(plan === null ? [] : ['', ...undoText(paper, madeOf(result, plan), transaction)]),
  ]
}

/** First aid writes no files, so there are none of it to remove. */
function madeOf(result: HostResult, { changes }: Plan): readonly Change[] {
  const isFirstAid = result.status === 'applied' && result.until !== undefined
  return isFirstAid ? changes.filter(({ phase }) => phase === 'runtime') : changes
}
