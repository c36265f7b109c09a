import type { HostResult, HostStatus } from '../../model/result.ts'
import type { HostTold } from '../../model/review.ts'

type Outcome = HostTold['outcome']

/** `rolled-back`, `skipped` and `applied` depend on how that came about. */
const OF_STATUS: Readonly<Record<HostStatus, Outcome>> = {
  'needs-hands': 'failed',
  'under-way': 'error',
  failed: 'error',
  unreachable: 'error',
  'not-reached': 'error',
  refused: 'failed',
  blocked: 'failed',
  'no-strategy': 'failed',
  'rolled-back': 'failed',
  planned: 'skipped',
  healthy: 'passed',
  'already-right': 'passed',
  skipped: 'skipped',
  declined: 'skipped',
  'same-machine': 'skipped',
  applied: 'passed',
}

/** A host as a test has it: `failed` or `error` exactly where the exit code says that it is not as wanted. */
export function outcomeOf(result: HostResult): Outcome {
  if (result.status === 'rolled-back' && result.fault === null) return 'passed'
  if (result.status === 'skipped' && result.why !== undefined) return 'failed'
  if ('fault' in result && result.fault?.code === 'bug') return 'error'
  if (result.status === 'applied' && result.fault !== undefined) return 'failed'
  return OF_STATUS[result.status]
}
