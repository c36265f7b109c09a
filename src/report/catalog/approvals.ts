import type { HostResult } from '../../model/result.ts'
import type { ApprovalTold } from '../../model/review.ts'
import type { ApprovalWay, Run } from '../../model/run.ts'
import { groups } from '../text/groups.ts'
import { WAYS } from '../text/run.ts'

type Answered = Omit<ApprovalTold, 'hosts'> & { readonly host: string }

/** Who said what to which hosts, and when; nothing of hosts that waited for no answer. */
export function approvalsOf(
  { by, approvals = [] }: { readonly by: string; readonly approvals: Run['approvals'] | undefined },
  results: readonly HostResult[],
): readonly ApprovalTold[] {
  const known = new Set(approvals.map(({ host }) => host))
  const told: readonly Answered[] = [
    ...approvals.map(
      ({ host, by, at, how, note }): Answered => ({ host, answer: 'yes', by, at, remark: remarkOf(how, note) }),
    ),
    ...results.flatMap((result) => (known.has(result.host) ? [] : answerOf(result, by))),
  ]
  return groups(told, ({ host: _, ...answer }) => JSON.stringify(answer)).flatMap(([, members]) =>
    members.slice(0, 1).map(({ host: _, ...answer }) => ({ ...answer, hosts: members.map(({ host }) => host) })),
  )
}

function remarkOf(how: ApprovalWay, note: string | undefined): string {
  return note === undefined ? WAYS[how] : `${WAYS[how]}: ${note}`
}

/** What else is on record: that somebody said no, or that a change began of which no yes was kept. */
function answerOf(result: HostResult, by: string): readonly Answered[] {
  const { host } = result
  switch (result.status) {
    case 'declined':
    case 'skipped':
      return [{ host, answer: result.status, by, at: null, remark: result.why ?? null }]
    case 'applied':
    case 'rolled-back':
    case 'needs-hands':
    case 'under-way':
    case 'refused':
      return [{ host, answer: 'yes', by, at: null, remark: 'the record does not say when, nor how' }]
    case 'planned':
    case 'not-reached':
    case 'unreachable':
    case 'failed':
    case 'same-machine':
    case 'healthy':
    case 'no-strategy':
    case 'blocked':
    case 'already-right':
      return []
  }
}
