import type { Finding } from './finding.ts'
import type { Reading } from './reading.ts'
import type { Verdict } from './verdict.ts'

/**
 * What a plan would most likely be, foretold from facts alone: no state was probed, nothing is bound to the host, and there
 * is no script. So it has no id, and nothing in it that could be applied.
 */
export type IndicativePlan = {
  readonly appliable: false
  readonly strategy: string
  readonly considered: readonly Verdict[]
  readonly findings: readonly Finding[]
  readonly changes: readonly IndicativeChange[]
  /** Steps that the facts show at their goal already, by title. */
  readonly kept: readonly string[]
  readonly notes: readonly string[]
}

export type IndicativeChange = {
  readonly kind: string
  readonly title: string
  readonly phase: 'runtime' | 'persist'
  /** The state as lines for the diff; not known where facts do not tell it. */
  readonly before: Reading<readonly string[]>
  readonly after: Reading<readonly string[]>
  readonly notes: readonly string[]
}
