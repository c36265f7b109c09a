import type { Fault } from './fault.ts'
import type { Finding } from './finding.ts'
import type { GateOutcome } from './plan.ts'
import type { Reading } from './reading.ts'
import type { HostStatus } from './result.ts'
import type { Run } from './run.ts'

/**
 * A run as it is told afterwards, for every format the same. Its texts may come from hosts: each format escapes them in its own
 * way. Of a text without end the beginning is here, with its length; of lines of a diff far more.
 */
export type RunReview = {
  readonly run: Omit<Run, 'results' | 'approvals'>
  /** How it ended, in one sentence. */
  readonly headline: string
  /** Runs that closed it or took it back, oldest first. */
  readonly later: readonly LaterRun[]
  /** Worst first. */
  readonly counts: readonly StatusCount[]
  /** What is left to do, hosts with the same cause together; worst first. */
  readonly troubles: readonly Trouble[]
  /** Equal findings together, worst first. */
  readonly found: readonly Found[]
  /** Of each host whose table was near full, or that dropped packets. */
  readonly pressure: readonly Pressure[]
  /** Hosts with the same change together, worst first. */
  readonly works: readonly Work[]
  readonly approvals: readonly ApprovalTold[]
  /** Every host, worst first. */
  readonly hosts: readonly HostTold[]
}

/** How well that is; which colour, is the format's affair. */
export type Mood = 'good' | 'warn' | 'bad' | 'faint'

export type StatusCount = { readonly status: HostStatus; readonly mood: Mood; readonly hosts: number }

/** `ended`: `2 rolled-back, 1 needs-hands`. */
export type LaterRun = Pick<Run, 'id' | 'command' | 'by' | 'startedAt'> & { readonly ended: string }

export type Trouble = {
  readonly hosts: readonly string[]
  readonly status: HostStatus
  readonly mood: Mood
  readonly message: string
  /** What to type or do now; null where nothing is known that would help. */
  readonly next: string | null
}

export type Found = Omit<Finding, 'table' | 'lost'> & { readonly mood: Mood; readonly hosts: readonly string[] }

export type Pressure = { readonly host: string; readonly before: Look; readonly after: Look }

/** What was seen of a table at one time: entries, and packets a second that were dropped for want of room. */
export type Look = {
  readonly table: Reading<{ readonly entries: number; readonly max: number }>
  readonly drops: Reading<number>
}

export type Work = {
  readonly strategy: string
  /** `2 applied, 1 declined`. */
  readonly ended: string
  readonly hosts: readonly Worked[]
  readonly changes: readonly ChangeTold[]
  readonly notes: readonly string[]
  /** What was to be tested before it was kept, a sentence each. */
  readonly gates: readonly string[]
}

/** `plan`: its id, the digest of all that runs on the host. */
export type Worked = Pick<HostTold, 'host' | 'status' | 'mood' | 'transaction'> & { readonly plan: string }

export type ChangeTold = {
  readonly title: string
  readonly phase: 'runtime' | 'persist'
  readonly notes: readonly string[]
  /** A unified diff; `@` says where in both sides the lines below it stand. */
  readonly diff: readonly { readonly sign: ' ' | '-' | '+' | '@'; readonly text: string }[]
}

/** `at`: RFC 3339, UTC; null where the record does not tell it. */
export type ApprovalTold = {
  readonly answer: 'yes' | 'declined' | 'skipped'
  readonly by: string
  readonly at: string | null
  readonly hosts: readonly string[]
  /** How it was given, or why it was not; null where there is nothing to add. */
  readonly remark: string | null
}

export type HostTold = {
  readonly host: string
  readonly status: HostStatus
  readonly mood: Mood
  /** As a test has it: the host failed; how it is cannot be told; nothing was to be done. */
  readonly outcome: 'passed' | 'failed' | 'error' | 'skipped'
  readonly strategy: string | null
  readonly transaction: string | null
  /** What a person wants to know beside the status. */
  readonly ended: string
  readonly fault: Fault | null
  readonly checked: readonly GateOutcome[]
}
