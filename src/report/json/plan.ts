import type { Change } from '../../model/change.ts'
import type { HostResult } from '../../model/result.ts'

/** Raised when a program that reads the JSON would have to change. */
const VERSION = 1

/**
 * What plan, apply and rollback print as JSON: every host has `host`, `status`, `findings`, `strategy` (null where none
 * was chosen), `considered`, `changes` (empty where nothing is to do), `kept`, `notes`, `sessionLoss` (those of the notes that
 * ask for --accept-session-loss), `gates`, `plan` (its id), `transaction`, `until`, `fault` and `why` (null where there is none), and
 * `checked` (what came of each gate). The scripts are in the saved plan.
 */
export function resultsJson(results: readonly HostResult[]): object {
  return { version: VERSION, hosts: results.map(hostJson) }
}

function hostJson(result: HostResult): object {
  const plan = 'plan' in result ? result.plan : null
  const judged = 'findings' in result ? result : plan
  return {
    host: result.host,
    status: result.status,
    findings: judged?.findings ?? [],
    strategy: plan?.strategy ?? null,
    considered: judged?.considered ?? [],
    changes: plan?.changes.map(changeJson) ?? [],
    kept: plan?.kept ?? [],
    notes: [...(plan?.notes ?? []), ...(plan?.rollbackNotes ?? []), ...(plan?.sessionLoss ?? [])],
    sessionLoss: plan?.sessionLoss ?? [],
    gates: plan?.gates ?? [],
    plan: plan?.id ?? null,
    transaction: 'transaction' in result ? result.transaction : null,
    until: ('until' in result ? result.until : null) ?? null,
    fault: 'fault' in result ? result.fault : null,
    why: ('why' in result ? result.why : null) ?? null,
    checked: ('checked' in result ? result.checked : null) ?? [],
  }
}

function changeJson({ id, kind, title, phase, before, after, shown, volatile, notes }: Change): object {
  return { id, kind, title, phase, before, after, shown, volatile, notes }
}
