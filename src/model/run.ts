import type { Fault } from './fault.ts'
import type { HostResult, HostStatus } from './result.ts'

/** One invocation that may have touched hosts, as the controller remembers it. */
export type Run = {
  readonly id: string
  readonly command: 'apply' | 'rollback' | 'resume'
  /** RFC 3339, UTC. */
  readonly startedAt: string
  /** Null while it goes on, and for good where it was cut off. */
  readonly endedAt: string | null
  /** Who asked: login name and machine. */
  readonly by: string
  readonly inventory: string
  /** For a rollback: the run that it takes back. For a resume: the run that it closes. */
  readonly of: string | null
  readonly results: readonly HostResult[]
  /** Whose yes each host's change has; absent where none has one, and in records made before these were kept. */
  readonly approvals?: readonly Approval[]
}

/** A yes to one host's plan. */
export type Approval = {
  readonly host: string
  /** The plan's whole id, which is the digest of all that runs on the host. */
  readonly plan: string
  /** Login name and machine of whoever ran the command. */
  readonly by: string
  /** RFC 3339, UTC: when the yes was given; of one in a file, when that was read. */
  readonly at: string
  readonly how: ApprovalWay
  /** Of one in a file: path and line, and what stands there beside the id. */
  readonly note?: string
}

/**
 * asked: for this host by itself · same-change: with a yes to all hosts of the same change · all: with a yes to all that
 * follow · yes-option: by `--yes`, nobody was asked · file: by `--approve-file` · program: by
 * the `approve` of a program that uses ctfleet as a library
 */
export type ApprovalWay = 'asked' | 'same-change' | 'all' | 'yes-option' | 'file' | 'program'

/** A run as lists have it, without what was planned. */
export type RunSummary = Omit<Run, 'results' | 'approvals'> & { readonly hosts: readonly HostSummary[] }

export type HostSummary = {
  readonly host: string
  readonly status: HostStatus
  /** That of its plan; null where there is none. */
  readonly strategy: string | null
  readonly transaction: string | null
  /** RFC 3339, UTC: when an applied change takes itself back. */
  readonly until: string | null
  readonly fault: Fault | null
}

export const RUN_COMMANDS: Readonly<Record<Run['command'], true>> = { apply: true, rollback: true, resume: true }

export const APPROVAL_WAYS: Readonly<Record<ApprovalWay, true>> = {
  asked: true,
  'same-change': true,
  all: true,
  'yes-option': true,
  file: true,
  program: true,
}
