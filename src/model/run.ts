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
}

/** A run as lists have it, without what was planned. */
export type RunSummary = Omit<Run, 'results'> & { readonly hosts: readonly HostSummary[] }

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
