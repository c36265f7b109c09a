import { changesSince, findingsHad } from '../audit/since.ts'
import type { AuditReport } from '../model/audit.ts'
import type { SinceLast } from '../model/history.ts'
import { paragraph, visible } from '../report/format.ts'
import type { AuditFound } from '../store/history.ts'
import type { Terminal } from './terminal.ts'

/** What changed since that audit; where there is none all is new, and it is said why. */
export function sinceLast(last: AuditFound, report: AuditReport, terminal: Terminal): SinceLast {
  const nothing = { results: [], policy: [], rules: [] }
  switch (last.type) {
    case 'found': {
      const { id, startedAt, by, report: before } = last.audit
      return { audit: { id, startedAt, by }, ...compared(before, report) }
    }
    case 'damaged':
      terminal.say([visible(`${last.place} ${last.why}, so there is nothing to compare with: all counts as new.`)])
      return { audit: null, ...compared(nothing, report) }
    case 'none':
    case 'several':
      terminal.say(
        paragraph(
          terminal.notices,
          '',
          'No audit of these hosts with this policy is on record to compare with (ctfleet runs --audits shows those there are): all counts as new. The next one is compared with this one.',
        ),
      )
      return { audit: null, ...compared(nothing, report) }
  }
}

function compared(before: AuditReport, report: AuditReport): Pick<SinceLast, 'changes' | 'had'> {
  return { changes: changesSince(before, report), had: findingsHad(before, report) }
}
