import type { Finding } from '../../model/finding.ts'
import type { GateOutcome } from '../../model/plan.ts'
import { known, type Reading, unknown } from '../../model/reading.ts'
import type { HostResult } from '../../model/result.ts'
import type { Look, Pressure } from '../../model/review.ts'
import { findingsOf } from '../text/status.ts'

/** How full the table of a host was and what it dropped, before and after; nothing of a host that was not under pressure. */
export function pressureOf(result: HostResult): readonly Pressure[] {
  const before = lookBefore(result)
  const isUnderPressure = before.table.known || (before.drops.known && before.drops.value > 0)
  return isUnderPressure ? [{ host: result.host, before, after: lookAfter(result) }] : []
}

function lookBefore(result: HostResult): Look {
  const findings = findingsOf(result)
  const table = findings.find((finding) => finding.table !== undefined)?.table
  const lost = findings.find((finding) => finding.lost !== undefined)?.lost
  const plan = 'plan' in result ? result.plan : null
  const gate = plan?.gates.find((each) => each.gate === 'drops')
  return {
    table: table === undefined ? unknown('it was not near full, or its numbers are not on record') : known(table),
    drops: rateOf(lost, gate?.beforePerSecond),
  }
}

/** As it was found, else as the plan has it to compare with. */
function rateOf(lost: Finding['lost'], planned: number | undefined): Reading<number> {
  if (lost !== undefined && lost.seconds > 0) return known(lost.packets / lost.seconds)
  return planned === undefined ? unknown('the record has no number of them') : known(planned)
}

function lookAfter(result: HostResult): Look {
  const checked = 'checked' in result ? (result.checked ?? []) : []
  const outcome = checked.find(({ gate }) => gate === 'drops')
  const seen = outcome?.seen
  return { table: readingOf(seen?.table, outcome), drops: readingOf(seen?.perSecond, outcome) }
}

function readingOf<T>(value: T | undefined, outcome: GateOutcome | undefined): Reading<T> {
  if (value !== undefined) return known(value)
  return unknown(outcome === undefined ? 'nobody looked after the change' : outcome.message)
}
