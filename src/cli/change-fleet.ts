import type { Fault, FaultCode } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult, LeftOutHosts } from '../model/result.ts'
import type { Run } from '../model/run.ts'
import { type Paper, paragraph } from '../report/format.ts'
import { leftOutJson } from '../report/json/left-out.ts'
import { resultsJson } from '../report/json/plan.ts'
import { jsonText } from '../report/json/text.ts'
import { withLeftOut } from '../report/text/left-out.ts'
import { bullets } from '../report/text/parts.ts'
import { groupLines, planText } from '../report/text/plan.ts'
import { resultText } from '../report/text/result.ts'
import { standingOf } from '../run/budget.ts'
import type { Telling } from '../run/story.ts'
import { quote } from '../shell/script.ts'
import type { RunStore } from '../store/store.ts'
import { type AccessWords, accessAgain } from './access-words.ts'
import { type Approval, approve, approveAll, type Planned } from './approve.ts'
import { declareWork } from './at-work.ts'
import { complainAbout } from './checks.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import { bugLines, runPhase } from './fleet-phase.ts'
import { storyOnRecord } from './on-record.ts'
import { courseLines, courseOf, failedBefore, type Pace } from './pace.ts'
import { beginRecord, type RunRecord } from './record.ts'
import { kept } from './state.ts'
import type { Terminal } from './terminal.ts'
import { leftLines } from './what-is-left.ts'

/** What apply and rollback have in common: plans in, one result a host out, a record of both. */
export type Undertaking = {
  readonly title: string
  /** Every host; those that are `planned` wait for a yes. */
  readonly results: readonly HostResult[]
  /** Hosts that the operator's condition left out: they are named, and nothing else. */
  readonly others?: LeftOutHosts
  /** A plan as a person is shown it. */
  readonly shown: (plan: Plan) => Plan
  /** What a person is asked of a host; without it, whether to go ahead. */
  readonly question?: (planned: Planned) => string
  readonly run: Omit<Run, 'results' | 'endedAt'>
  readonly story: (plan: Plan, telling: Telling) => Promise<HostResult>
  /** Remembers a host that was just changed, and tells later why all is well no more, or null; without it nothing is asked again. */
  readonly watch?: (plan: Plan) => Promise<() => Promise<Fault | null>>
  readonly parallel: number
  readonly pace: Pace
  readonly format: 'text' | 'json'
  readonly yes: boolean
  /** How passwords were had, for the commands that come after this one. */
  readonly access: AccessWords
  /** That taking it back may break sessions was accepted beforehand, or is no question any more: it is taken back now. */
  readonly acceptsSessionLoss: boolean
  /** Told how all hosts ended; what it says stands at the end of the report. */
  readonly onEnded?: (results: readonly HostResult[]) => Promise<readonly string[]>
}

/** @throws InputError where a person would have to be asked and nobody can be. */
export function checkApproval(yes: boolean, terminal: Terminal): void {
  if (yes || terminal.canAsk) return
  const hint = 'run this in a terminal to be asked for each host, or give --yes when you are sure'
  throw complainAbout('--yes', 'there is no terminal to ask in, and changes need a yes', hint)
}

/** Shows what would change, asks, keeps the record, does it, and says how each host ended. */
export async function changeFleet(undertaking: Undertaking, store: RunStore, terminal: Terminal): Promise<ExitCode> {
  const { results, others = NO_OTHERS, run, format, yes } = undertaking
  const shown = results.map((result) => asShown(result, undertaking))
  const shownOn = (paper: Paper) => withLeftOut(paper, { ...others, results: shown }, () => planText(paper, shown))
  if (format === 'text') terminal.print(shownOn(terminal.paper))
  else if (!yes) terminal.say(shownOn(terminal.notices))

  const planned = results.filter((result): result is Planned => result.status === 'planned')
  const names = planned.map(({ host }) => host)
  const { spent, lines } = failedBefore(names, results, undertaking.pace)
  if (spent === null) sayWrapped(lines, terminal)
  const approval =
    spent === null
      ? await approvalOf(undertaking, planned, terminal)
      : { approved: [], others: names.map((host) => notBegun(host, spent)) }
  if (approval === 'interrupted' || terminal.interruption.signal.aborted) {
    terminal.say(['Nothing was changed.'])
    return EXIT.interrupted
  }
  const decided = replaced(results, approval.others)
  const stopWork = await kept(async () => await declareWork(run.id))
  const record = await kept(async () => await beginRecord(store, { ...run, results: decided, endedAt: null }))
  const changed = approval.approved.length === 0 ? [] : await change(undertaking, approval, record, terminal)
  const ended = replaced(decided, changed)
  const problem = await record.close(ended, new Date())
  // What is left behind where nothing can be written says by itself that its process is gone.
  await stopWork().catch(() => undefined)

  if (format === 'json') {
    const beside = undertaking.others === undefined ? {} : leftOutJson(others)
    terminal.printText(jsonText({ ...resultsJson(ended), run: run.id, ...beside }))
  } else if (planned.length > 0) {
    terminal.print([
      '',
      ...resultText(
        terminal.paper,
        ended.map((result) => asShown(result, undertaking)),
      ),
    ])
  }
  if (spent !== null) sayWrapped(['', ...lines], terminal)
  const left = leftLines(run, ended)
  if (left.length > 0) sayWrapped(['', ...left], terminal)
  if (run.command === 'apply' && ended.some(({ status }) => status === 'applied')) {
    terminal.say(['', `To take it back: ctfleet rollback ${again(undertaking)}`])
  }
  if (ended.some((result) => result.status === 'needs-hands' && IS_TO_BE_ASKED.has(result.fault.code))) {
    terminal.say(['', `To ask again how those ended that could not be asked: ctfleet resume ${again(undertaking)}`])
  }
  if (undertaking.onEnded !== undefined) terminal.say(await undertaking.onEnded(ended))
  if (problem === null) return exitCodeOf(ended)
  terminal.say([`The record of run ${run.id} is not whole, so it cannot be taken back by its id: ${problem}`])
  return exitCodeOf(ended) || EXIT.someFailed
}

const NO_OTHERS: LeftOutHosts = { leftOut: [], unsure: [] }

/** The run, and how its hosts are logged in to, as it would be typed. */
function again({ run, access }: Pick<Undertaking, 'run' | 'access'>): string {
  return [run.id, ...accessAgain(access)].map(quote).join(' ')
}

function sayWrapped(lines: readonly string[], { say, notices }: Terminal): void {
  say(lines.flatMap((line) => paragraph(notices, '', line)))
}

function notBegun(host: string, spent: string): HostResult {
  return { host, status: 'not-reached', why: `it was not begun: ${spent}` }
}

/** Why nobody here knows how a host ended that may tell by now. */
const IS_TO_BE_ASKED: ReadonlySet<FaultCode> = new Set(['lost', 'timed-out', 'bug'])

async function approvalOf(
  undertaking: Undertaking,
  planned: readonly Planned[],
  terminal: Terminal,
): Promise<Approval | 'interrupted'> {
  const { yes, acceptsSessionLoss } = undertaking
  if (yes) return approveAll(planned, acceptsSessionLoss)
  if (planned.length === 0 || terminal.interruption.signal.aborted) return { approved: [], others: [] }
  // Loaded only where somebody is asked.
  const { askPerson, askToAccept } = await import('./ask.ts')
  const shown = planned.map((result) => asShown(result, undertaking))
  const approval = await approve(shown, {
    ask: askPerson,
    question: undertaking.question,
    accept: acceptsSessionLoss
      ? null
      : async (question, why) => {
          terminal.say(bullets(terminal.notices, why))
          return await askToAccept(question)
        },
    show: (one) => terminal.say(['', ...groupLines(terminal.notices, [one]), '']),
  })
  if (approval === 'interrupted') return approval
  // What was shown is for reading; what runs, and what is kept, is the plan itself.
  const plans = new Map(planned.map(({ host, plan }) => [host, plan]))
  const own = (plan: Plan) => plans.get(plan.host.name) ?? plan
  return { approved: approval.approved.map(own), others: approval.others.map((result) => withPlan(result, own)) }
}

function asShown<R extends HostResult>(result: R, { shown }: Undertaking): R {
  return withPlan(result, shown)
}

function withPlan<R extends HostResult>(result: R, change: (plan: Plan) => Plan): R {
  return 'plan' in result && result.plan !== null ? { ...result, plan: change(result.plan) } : result
}

/** What hosts at work do when nobody is there any more. */
const LEFT_ALONE: Readonly<Record<Run['command'], string>> = {
  apply: 'What was not confirmed takes itself back, in minutes; what was confirmed stays.',
  rollback: 'A host that was told to take its change back does so by itself.',
  resume: 'What a host has begun it brings to an end by itself.',
}

async function change(
  { title, run, results, story, watch, parallel, pace, access }: Undertaking,
  { approved }: Approval,
  record: RunRecord,
  terminal: Terminal,
): Promise<readonly HostResult[]> {
  const hosts = approved.map((plan) => ({ ...plan.host, plan, gateway: isOnTheWay(plan.host) }))
  const course = courseOf(hosts, results, pace)
  terminal.say(courseLines(course, pace).flatMap((line) => paragraph(terminal.notices, '', line)))
  return await runPhase(
    {
      title,
      hosts,
      parallel,
      story: async ({ name, plan }, telling): Promise<HostResult> =>
        await storyOnRecord(
          {
            host: name,
            run: run.id,
            plan,
            record,
            story: async (more) => await story(plan, more),
            onBug: (bug) => terminal.say(bugLines(name, bug)),
          },
          telling,
        ),
      onEnd: record.ended,
      onLeaving: [
        LEFT_ALONE[run.command],
        'To ask every host how it ended, and to close what is open:',
        `  ctfleet resume ${again({ run, access })}`,
      ],
    },
    terminal,
    {
      ...course,
      standing: standingOf,
      pauseMs: pace.pauseSeconds * 1000,
      watch: watch === undefined ? null : ({ plan }, result) => stillWell(run.id, { plan, result, watch }),
    },
  )
}

/** The way to the others leads through it: through the machine that we are on, every way does. */
function isOnTheWay({ gateway, transport }: Host): boolean {
  return gateway === true || transport === 'local'
}

/** Remembers a host that was changed; later the result that it has by then, where it is well no more. */
async function stillWell(
  run: string,
  { plan, result, watch }: { plan: Plan; result: HostResult; watch: NonNullable<Undertaking['watch']> },
): Promise<() => Promise<HostResult | null>> {
  const check = await watch(plan).catch((bug: unknown) => async () => ours(bug))
  return async () => {
    const fault = await check().catch(ours)
    if (fault === null || result.status !== 'applied') return null
    const message = `it was applied, but is well no more: ${fault.message}`
    const next = `to take it back: ctfleet rollback ${run} --limit ${result.host}`
    return { ...result, fault: { ...fault, message, next } }
  }
}

/** A bug costs the one host that met it, and never what is known of it. */
function ours(bug: unknown): Fault {
  const said = bug instanceof Error ? (bug.stack ?? bug.message) : String(bug)
  return { code: 'bug', message: `asking it again met a bug of ctfleet: ${said}`, next: 'report it' }
}

/** The results with those that came later in the place of the earlier ones. */
function replaced(results: readonly HostResult[], later: readonly HostResult[]): readonly HostResult[] {
  const byHost = new Map(later.map((result) => [result.host, result]))
  return results.map((result) => byHost.get(result.host) ?? result)
}
