import { counted } from '../diagnosis/numbers.ts'
import type { AuditChange, AuditChanges, AuditOnRecord, ChangedFinding } from '../model/history.ts'
import { remedyFor } from '../report/remedy.ts'

/** What is sent when something changed. All lists are cut at `MOST`; `counts` are of all. */
export type Notice = {
  readonly version: 1
  readonly type: 'audit-changed'
  readonly schedule: string
  readonly inventory: string
  readonly policy: string | null
  /** Of the audit: its id on record, and RFC 3339, UTC. */
  readonly audit: string
  readonly at: string
  /** The id of the audit before, which was sent or had nothing to send; null: this is the first. */
  readonly comparedWith: string | null
  /** One sentence. */
  readonly summary: string
  readonly counts: { readonly [list in List]: number }
  readonly new: readonly Told[]
  readonly worse: readonly Told[]
  readonly better: readonly Told[]
  readonly gone: readonly Told[]
  /** Hosts that could not be audited, and could before. */
  readonly lost: readonly { readonly host: string; readonly status: string; readonly why: string }[]
  readonly back: readonly string[]
}

type List = 'new' | 'worse' | 'better' | 'gone' | 'lost' | 'back'

/** `host` is null for what there is against the policy itself. `was`: its severity before. */
type Told = {
  readonly host: string | null
  readonly rule: string
  readonly severity: string
  readonly title: string
  readonly remedy: string | null
  readonly was?: string
}

/** Of each list; and of each text, in characters. */
const MOST = 100
const LONGEST = 500

/** @returns null where nothing changed that is worth anybody's time. */
export function noticeOf(audit: AuditOnRecord, before: string | null, changes: AuditChanges): Notice | null {
  const counts = {
    new: changes.new.length,
    worse: changes.worse.length,
    better: changes.better.length,
    gone: changes.gone.length,
    lost: changes.lost.length,
    back: changes.back.length,
  }
  if (Object.values(counts).every((count) => count === 0)) return null
  const told = (change: AuditChange) => toldOf(change, audit.inventory)
  const changed = ({ before: earlier, ...change }: ChangedFinding) => ({ ...told(change), was: earlier.severity })
  return {
    version: 1,
    type: 'audit-changed',
    schedule: audit.due?.schedule ?? '',
    inventory: audit.inventory,
    policy: audit.policy,
    audit: audit.id,
    at: audit.endedAt,
    comparedWith: before,
    summary: summaryOf(counts),
    counts,
    new: changes.new.slice(0, MOST).map(told),
    worse: changes.worse.slice(0, MOST).map(changed),
    better: changes.better.slice(0, MOST).map(changed),
    gone: changes.gone.slice(0, MOST).map(told),
    lost: changes.lost.slice(0, MOST).map((result) => ({
      host: result.host,
      status: result.status,
      why: short('why' in result ? result.why : result.fault.message),
    })),
    back: changes.back.slice(0, MOST),
  }
}

function summaryOf(counts: Notice['counts']): string {
  const said = [
    counts.new > 0 ? counted(counts.new, 'new finding', 'new findings') : '',
    counts.worse > 0 ? `${counts.worse} worse` : '',
    counts.better > 0 ? `${counts.better} better` : '',
    counts.gone > 0 ? `${counts.gone} gone` : '',
    counts.lost > 0 ? `${counted(counts.lost, 'host', 'hosts')} could not be audited` : '',
    counts.back > 0 ? `${counted(counts.back, 'host', 'hosts')} audited again` : '',
  ]
  return said.filter((part) => part !== '').join(', ')
}

function toldOf({ host, finding }: AuditChange, inventory: string): Told {
  const { rule, severity, title, remedy } = finding
  const typed = remedy === null || host === null ? remedy : remedyFor(remedy, host, inventory)
  return { host, rule, severity, title: short(title), remedy: typed === null ? null : short(typed) }
}

function short(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`
}
