import type { FaultCode } from '../model/fault.ts'
import type { HostResult, LeftOutHosts } from '../model/result.ts'
import type { Paper } from '../report/format.ts'
import { leftOutJson } from '../report/json/left-out.ts'
import { resultsJson } from '../report/json/plan.ts'
import { jsonText } from '../report/json/text.ts'
import { withLeftOut } from '../report/text/left-out.ts'
import { planText } from '../report/text/plan.ts'
import { resultText } from '../report/text/result.ts'
import { changeHosts, courseOfChanges } from '../run/change-hosts.ts'
import type { RunStore } from '../store/store.ts'
import type { Planned } from './approve.ts'
import { beginRun } from './begun-run.ts'
import { changeAsApproved, type Done } from './change-as-approved.ts'
import { complainAbout } from './checks.ts'
import { asksPerson, asShown, decide } from './decide.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import { conductOn } from './fleet-phase.ts'
import { courseLines, failedBefore } from './pace.ts'
import type { Terminal } from './terminal.ts'
import { again, changesOf, replaced, sayWrapped, type Undertaking } from './undertaking.ts'
import { leftLines } from './what-is-left.ts'

/** @throws InputError where a person would have to be asked and nobody can be. */
export function checkApproval(yes: boolean, terminal: Terminal): void {
  if (yes || terminal.canAsk) return
  const hint = 'run this in a terminal to be asked for each host, or give --yes when you are sure, or --approve-file'
  throw complainAbout('--yes', 'there is no terminal to ask in, and changes need a yes', hint)
}

/** Shows what would change, asks, keeps the record, does it, and says how each host ended. */
export async function changeFleet(undertaking: Undertaking, store: RunStore, terminal: Terminal): Promise<ExitCode> {
  const { results, others = NO_OTHERS, run, format, pace } = undertaking
  const shown = results.map((result) => asShown(result, undertaking))
  const shownOn = (paper: Paper) => withLeftOut(paper, { ...others, results: shown }, () => planText(paper, shown))
  if (format === 'text') terminal.print(shownOn(terminal.paper))
  else if (asksPerson(undertaking)) terminal.say(shownOn(terminal.notices))

  const planned = results.filter((result): result is Planned => result.status === 'planned')
  const { spent, lines } = failedBefore(
    planned.map(({ host }) => host),
    results,
    pace,
  )
  if (spent === null) sayWrapped(lines, terminal)
  // With a single host nobody waits for an answer but that one.
  const whileAsking = spent === null && planned.length > 1 && asksPerson(undertaking)
  const done = whileAsking
    ? await changeAsApproved(undertaking, planned, { store, terminal })
    : await changeOnceApproved(undertaking, { planned, spent }, { store, terminal })
  if (done === 'interrupted') {
    terminal.say(['Nothing was changed.'])
    return EXIT.interrupted
  }
  const { ended, problem, unknown = false } = done
  if (format === 'json') {
    const beside = undertaking.others === undefined ? {} : leftOutJson(others)
    terminal.printText(jsonText({ ...resultsJson(ended), run: run.id, ...beside }))
  } else if (planned.length > 0) {
    const endedShown = ended.map((result) => asShown(result, undertaking))
    terminal.print(['', ...resultText(terminal.paper, endedShown)])
  }
  if (spent !== null) sayWrapped(['', ...lines], terminal)
  await sayNext(undertaking, ended, terminal)
  // Somebody approved a plan that is not done by this.
  const code = exitCodeOf(ended) || (unknown ? EXIT.someFailed : EXIT.asWanted)
  if (problem === null) return code
  terminal.say([`The record of run ${run.id} is not whole, so it cannot be taken back by its id: ${problem}`])
  return code || EXIT.someFailed
}

const NO_OTHERS: LeftOutHosts = { leftOut: [], unsure: [] }

/** The same where all is decided before any host begins: by an option, by a file, or by one answer. */
async function changeOnceApproved(
  undertaking: Undertaking,
  { planned, spent }: { readonly planned: readonly Planned[]; readonly spent: string | null },
  { store, terminal }: { readonly store: RunStore; readonly terminal: Terminal },
): Promise<Done | 'interrupted'> {
  const { results, run, pace } = undertaking
  const approval =
    spent === null
      ? await decide({ ...undertaking, by: run.by }, planned, terminal)
      : { approved: [], others: planned.map(({ host }) => notBegun(host, spent)), approvals: [], unknown: false }
  if (approval === 'interrupted' || terminal.interruption.signal.aborted) return 'interrupted'
  const { approved, others, approvals, unknown = false } = approval
  const decided = replaced(results, [...others, ...approved])
  const { record, end } = await beginRun(run, { results: decided, approvals }, { store, terminal })
  const plans = approved.map(({ plan }) => plan)
  const changes = changesOf(undertaking, plans, record, terminal)
  const course = courseOfChanges(changes)
  sayWrapped(courseLines(course, pace), terminal)
  const ended = replaced(decided, await changeHosts(changes, course, conductOn(terminal)))
  return { ended, problem: await end(ended), unknown }
}

/** What a person may type now. */
async function sayNext(undertaking: Undertaking, ended: readonly HostResult[], terminal: Terminal): Promise<void> {
  const { run, onEnded } = undertaking
  const left = leftLines(run, ended)
  if (left.length > 0) sayWrapped(['', ...left], terminal)
  if (run.command === 'apply' && ended.some(({ status }) => status === 'applied')) {
    terminal.say(['', `To take it back: ctfleet rollback ${again(undertaking)}`])
  }
  if (ended.some((result) => result.status === 'needs-hands' && IS_TO_BE_ASKED.has(result.fault.code))) {
    terminal.say(['', `To ask again how those ended that could not be asked: ctfleet resume ${again(undertaking)}`])
  }
  if (onEnded !== undefined) terminal.say(await onEnded(ended))
}

/** Why nobody here knows how a host ended that may tell by now. */
const IS_TO_BE_ASKED: ReadonlySet<FaultCode> = new Set(['lost', 'timed-out', 'bug'])

function notBegun(host: string, spent: string): HostResult {
  return { host, status: 'not-reached', why: `it was not begun: ${spent}` }
}
