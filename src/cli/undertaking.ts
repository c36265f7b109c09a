import type { Fault } from '../model/fault.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult, LeftOutHosts } from '../model/result.ts'
import type { Run } from '../model/run.ts'
import { paragraph } from '../report/format.ts'
import { bugLines } from '../run/bug-lines.ts'
import type { Changes } from '../run/change-hosts.ts'
import type { Pace } from '../run/course.ts'
import type { RunRecord } from '../run/record.ts'
import type { Telling } from '../run/story.ts'
import { quote } from '../shell/script.ts'
import { type AccessWords, accessAgain } from './access-words.ts'
import type { Consent } from './decide.ts'
import type { Terminal } from './terminal.ts'

/** What apply and rollback have in common: plans in, one result a host out, a record of both. */
export type Undertaking = Consent & {
  readonly title: string
  /** Every host; those that are `planned` wait for a yes. */
  readonly results: readonly HostResult[]
  /** Hosts that the operator's condition left out: they are named, and nothing else. */
  readonly others?: LeftOutHosts
  readonly run: Omit<Run, 'results' | 'endedAt'>
  readonly story: (plan: Plan, telling: Telling) => Promise<HostResult>
  /** Remembers a host that was just changed, and tells later why all is well no more, or null; without it nothing is asked again. */
  readonly watch?: (plan: Plan) => Promise<() => Promise<Fault | null>>
  readonly parallel: number
  readonly pace: Pace
  readonly format: 'text' | 'json'
  /** How passwords were had, for the commands that come after this one. */
  readonly access: AccessWords
  /** Told how all hosts ended; what it says stands at the end of the report. */
  readonly onEnded?: (results: readonly HostResult[]) => Promise<readonly string[]>
}

/** What is to be done to hosts, as it is run. */
export function changesOf(
  { title, run, results, story, watch, parallel, pace, access }: Undertaking,
  plans: readonly Plan[],
  record: RunRecord,
  terminal: Terminal,
): Changes {
  return {
    title,
    run: run.id,
    plans,
    before: results,
    story,
    watch: watch ?? null,
    parallel,
    pace,
    record,
    onBug: (host, bug) => terminal.say(bugLines(host, bug)),
    onLeaving: [
      LEFT_ALONE[run.command],
      'To ask every host how it ended, and to close what is open:',
      `  ctfleet resume ${again({ run, access })}`,
    ],
  }
}

/** What hosts at work do when nobody is there any more. */
const LEFT_ALONE: Readonly<Record<Run['command'], string>> = {
  apply: 'What was not confirmed takes itself back, in minutes; what was confirmed stays.',
  rollback: 'A host that was told to take its change back does so by itself.',
  resume: 'What a host has begun it brings to an end by itself.',
}

/** The run, and how its hosts are logged in to, as it would be typed. */
export function again({ run, access }: Pick<Undertaking, 'run' | 'access'>): string {
  return [run.id, ...accessAgain(access)].map(quote).join(' ')
}

/** The results with those that came later in the place of the earlier ones. */
export function replaced(results: readonly HostResult[], later: readonly HostResult[]): readonly HostResult[] {
  const byHost = new Map(later.map((result) => [result.host, result]))
  return results.map((result) => byHost.get(result.host) ?? result)
}

export function sayWrapped(lines: readonly string[], { say, notices }: Terminal): void {
  say(lines.flatMap((line) => paragraph(notices, '', line)))
}
