import type { AuditOnRecord } from '../../model/history.ts'
import type { AuditToTell } from '../../report/catalog/audit-review.ts'
import { AUDIT_REPORTS } from '../../report/catalog.ts'
import { paragraph } from '../../report/format.ts'
import { jsonText } from '../../report/json/text.ts'
import { isoMomentText } from '../../report/text/moment.ts'
import type { AuditFound } from '../../store/history.ts'
import { formatFrom } from '../arguments.ts'
import { complainAbout } from '../checks.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { openHistory } from '../history.ts'
import { kept } from '../state.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'

type Words = { readonly what: string; readonly host: string | undefined; readonly format: string }

/** Prints an audit as it is on record. */
export async function showAudit(found: AuditFound, words: Words, terminal: Terminal): Promise<ExitCode> {
  const format = formatFrom(words.format)
  const audit = auditIn(found, words.what)
  const { report, ...head } = audit
  const results = words.host === undefined ? report.results : report.results.filter(({ host }) => host === words.host)
  if (words.host !== undefined && results.length === 0) {
    throw complainAbout(words.host, `audit ${audit.id} has no host of this name`, `ctfleet show ${audit.id}`)
  }
  const told: AuditToTell = {
    report: { ...report, results },
    made: { at: audit.startedAt, policy: audit.policy, failOn: 'warning', source: null },
    typed: audit.inventory,
    inventory: audit.inventory,
    others: null,
    originOf: () => null,
    tool: { version: version() },
  }
  const { paper } = terminal
  if (format === 'json') {
    const document: object = JSON.parse(AUDIT_REPORTS.json.write(told))
    terminal.printText(jsonText({ ...document, ...head }))
  } else {
    terminal.print([...paragraph(paper, '', { tone: 'strong', text: headOf(audit) }), ''])
    terminal.printText(AUDIT_REPORTS.text.write(told, paper))
  }
  return EXIT.asWanted
}

/** By its id, the beginning of it, or `last`. */
export async function findAudit(wanted: string, terminal: Terminal): Promise<AuditFound> {
  return await kept(async () => await openHistory(terminal).loadAudit(wanted))
}

function auditIn(found: AuditFound, wanted: string): AuditOnRecord {
  switch (found.type) {
    case 'found':
      return found.audit
    case 'none':
      throw complainAbout(
        wanted,
        wanted === 'last' ? 'no audit is on record yet' : 'no audit has this id',
        'see which there are: ctfleet runs --audits',
      )
    case 'several':
      throw complainAbout(
        wanted,
        `several audits begin like this: ${found.ids.slice(0, 5).join(', ')}`,
        'type more of the id',
      )
    case 'damaged':
      throw complainAbout(found.place, found.why, 'see which others there are: ctfleet runs --audits')
  }
}

function headOf({ id, startedAt, by, inventory, only, policy, due }: AuditOnRecord): string {
  const turn = due === null ? '' : ` of schedule ${due.schedule} (due ${isoMomentText(due.at)})`
  const what = `${inventory}${only === null ? '' : ` ${only}`}${policy === null ? '' : ` with ${policy}`}`
  return `Audit ${id}${turn}, ${isoMomentText(startedAt)}, by ${by}: ${what}`
}
