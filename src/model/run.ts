import type { HostResult } from './result.ts'

/** One invocation that may have touched hosts, as the controller remembers it. */
export type Run = {
  readonly id: string
  readonly command: 'apply' | 'rollback'
  /** RFC 3339, UTC. */
  readonly startedAt: string
  readonly endedAt: string | null
  /** Who asked: login name and machine. */
  readonly by: string
  readonly inventory: string
  /** For a rollback: the run that it takes back. */
  readonly of: string | null
  readonly results: readonly HostResult[]
}
