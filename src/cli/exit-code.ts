import { type AuditReport, countsFrom, type Severity } from '../model/audit.ts'
import type { CleanResult } from '../model/cleaning.ts'
import type { Fault } from '../model/fault.ts'
import type { KeysResult } from '../model/host-keys.ts'
import type { ExplainResult, ForetoldResult, HostResult } from '../model/result.ts'
import type { VerifyResult } from '../model/verification.ts'
import type { AsideResult } from '../run/set-aside.ts'

export const EXIT = {
  asWanted: 0,
  someFailed: 1,
  usage: 2,
  needsHands: 3,
  pending: 4,
  bug: 70,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What a status says about the host when the work is over; `rolled-back` is a failure only with a fault. */
const OF_STATUS: Readonly<Record<(HostResult | ForetoldResult)['status'], ExitCode>> = {
  'needs-hands': EXIT.needsHands,
  'under-way': EXIT.needsHands,
  failed: EXIT.someFailed,
  unreachable: EXIT.someFailed,
  'not-reached': EXIT.someFailed,
  refused: EXIT.someFailed,
  blocked: EXIT.someFailed,
  'no-strategy': EXIT.someFailed,
  'rolled-back': EXIT.someFailed,
  planned: EXIT.asWanted,
  indicative: EXIT.asWanted,
  healthy: EXIT.asWanted,
  'already-right': EXIT.asWanted,
  skipped: EXIT.asWanted,
  declined: EXIT.asWanted,
  'same-machine': EXIT.asWanted,
  applied: EXIT.asWanted,
}

/** The one that matters most where several hold. */
const ORDER: readonly ExitCode[] = [EXIT.needsHands, EXIT.bug, EXIT.someFailed, EXIT.pending, EXIT.asWanted]

/** @param pendingCounts `plan --exit-code`: changes that wait to be applied are not "as wanted". */
export function exitCodeOf(results: readonly (HostResult | ForetoldResult)[], pendingCounts = false): ExitCode {
  return worst(results.map((result) => codeOf(result, pendingCounts)))
}

/** As for a plan: a host in trouble that no strategy fits counts as a failure, and so does one that could not be read. */
export function exitCodeOfExplaining(results: readonly ExplainResult[]): ExitCode {
  return worst(
    results.map((result) => {
      if (result.status !== 'explained') return exitCodeOfReading([result])
      const { choice, health } = result.explanation
      return choice.strategy !== null || health === 'healthy' ? EXIT.asWanted : EXIT.someFailed
    }),
  )
}

/** What must stay for now is not as wanted; a host that was declined or skipped is. */
export function exitCodeOfCleaning(results: readonly CleanResult[]): ExitCode {
  return worst(
    results.map((result) => {
      if ('fault' in result && result.fault.code === 'bug') return EXIT.bug
      return ['clean', 'declined', 'skipped'].includes(result.status) ? EXIT.asWanted : EXIT.someFailed
    }),
  )
}

/** Only what was seen in force is as wanted. */
export function exitCodeOfVerifying(results: readonly VerifyResult[]): ExitCode {
  return worst(
    results.map((result) => {
      if ('fault' in result && result.fault.code === 'bug') return EXIT.bug
      return result.status === 'in-force' ? EXIT.asWanted : EXIT.someFailed
    }),
  )
}

/** A host that showed nothing, keys that are not the known ones and what could not be written are not as wanted. */
export function exitCodeOfKeys(results: readonly (KeysResult | AsideResult)[]): ExitCode {
  return worst(
    results.map((result) => {
      if ('fault' in result && result.fault.code === 'bug') return EXIT.bug
      const isBad = result.status !== 'asked' || result.decision === 'withheld' || result.decision === 'unwritten'
      return isBad ? EXIT.someFailed : EXIT.asWanted
    }),
  )
}

/** For work that reads only: each host was read, or has a fault, or was never begun. */
export function exitCodeOfReading(results: readonly { readonly status: string; readonly fault?: Fault }[]): ExitCode {
  return worst(
    results.map(({ status, fault }) => {
      if (fault?.code === 'bug') return EXIT.bug
      return status === 'read' ? EXIT.asWanted : EXIT.someFailed
    }),
  )
}

/** Hosts that could not be asked weigh more than what was found; what is waived weighs nothing. */
export function exitCodeOfAuditing({ results, policy }: AuditReport, failOn: Severity): ExitCode {
  const found = [...results.flatMap((result) => (result.status === 'audited' ? result.findings : [])), ...policy]
  const isFound = found.some(countsFrom(failOn))
  return worst([
    ...(isFound ? [EXIT.pending] : []),
    ...results.map((result) => {
      if ('fault' in result && result.fault.code === 'bug') return EXIT.bug
      return result.status === 'audited' ? EXIT.asWanted : EXIT.someFailed
    }),
  ])
}

/** A timer takes findings for a success: that nobody could be told of them is none. */
export function exitCodeOfWatching(code: ExitCode, isUntold: boolean): ExitCode {
  return isUntold && code !== EXIT.bug ? EXIT.someFailed : code
}

/** An interruption never hides that a host needs hands. */
export function exitCodeWhenInterrupted(code: ExitCode): ExitCode {
  return code === EXIT.needsHands ? code : EXIT.interrupted
}

/** A report that nobody can read counts as -o that cannot be written; it never hides a host that needs hands, or a bug. */
export function exitCodeWithoutReport(code: ExitCode): ExitCode {
  return code === EXIT.needsHands || code === EXIT.bug || code === EXIT.interrupted ? code : EXIT.usage
}

function codeOf(result: HostResult | ForetoldResult, pendingCounts: boolean): ExitCode {
  if (result.status === 'needs-hands') return EXIT.needsHands
  if ('fault' in result && result.fault?.code === 'bug') return EXIT.bug
  if (result.status === 'rolled-back' && result.fault === null) return EXIT.asWanted
  // --yes did not cover it: nobody decided against this host, and it is not as wanted.
  if (result.status === 'skipped' && result.why !== undefined) return EXIT.someFailed
  if (result.status === 'applied' && result.fault !== undefined) return EXIT.someFailed
  const isPending = result.status === 'indicative' ? result.plan.changes.length > 0 : result.status === 'planned'
  if (isPending && pendingCounts) return EXIT.pending
  return OF_STATUS[result.status]
}

function worst(codes: readonly ExitCode[]): ExitCode {
  return ORDER.find((code) => codes.includes(code)) ?? EXIT.asWanted
}
