import { CRITICAL_USAGE } from '../../diagnosis/diagnose.ts'
import { duration, percent } from '../../diagnosis/numbers.ts'
import type { Finding, FindingRule } from '../../model/finding.ts'
import { firstAidOf } from '../../playbook/sentence.ts'
import { type AuditRule, EXPLAIN, type Look, PLAN, tuneRemedy } from '../audit-rule.ts'

/** What diagnosis finds already, with from where on it counts and what to type. */
export const nearFull = diagnosed('near-full', {
  severity: 'warning',
  summary: 'a table that is nearly full',
  threshold: ({ thresholds }) => `${percent(thresholds.usage)} of max; critical from ${percent(CRITICAL_USAGE)}`,
  besides: ['busy-port', 'stale-entries', 'forecast'],
})

export const droppingNow = diagnosed('dropping-now', {
  severity: 'critical',
  summary: 'packets that are dropped for want of room while we look',
  threshold: () => 'one packet between two readings',
})

export const evicting = diagnosed('evicting', {
  severity: 'warning',
  summary: 'live entries that are evicted to make room',
  threshold: () => 'one entry between two readings',
})

export const droppedLately = diagnosed('dropped-lately', {
  severity: 'warning',
  summary: 'a table that was full lately, by the kernel log',
  threshold: ({ thresholds }) => `a line of the last ${duration(thresholds.logAgeSeconds)}`,
})

export const hashTooSmall = diagnosed('hash-too-small', {
  severity: 'warning',
  summary: 'a hash table too small for its max',
  threshold: ({ thresholds }) => `${thresholds.entriesPerBucket} entries a bucket when full, or one chain too long`,
  remedy: ({ facts }) => tuneRemedy(facts),
})

type Words = {
  readonly severity: AuditRule['severity']
  readonly summary: string
  readonly threshold: (look: Look) => string
  readonly remedy?: (look: Look) => string
  /** Findings that say more about the same. */
  readonly besides?: readonly FindingRule[]
}

function diagnosed(id: FindingRule, { severity, summary, threshold, remedy, besides = [] }: Words): AuditRule {
  return {
    id,
    severity,
    summary,
    judge: (look) =>
      look.findings
        .filter(({ rule }) => rule === id)
        .map((finding) => ({
          severity: finding.severity,
          title: finding.title,
          evidence: [...finding.evidence, ...look.findings.filter(({ rule }) => besides.includes(rule)).map(inOneLine)],
          threshold: threshold(look),
          remedy: (remedy ?? remedyOf)(look),
        })),
  }
}

function inOneLine({ title }: Finding): string {
  return title
}

/** The plan where there is one to make and the host is not another's; else what can be typed on the host itself, or why nothing fits. */
function remedyOf({ choice, locked }: Look): string {
  if (locked !== null) return locked.next
  if (choice.type === 'chosen') return PLAN
  const [aid] = choice.considered.flatMap(({ vars }) => firstAidOf(vars) ?? [])
  return aid === undefined ? EXPLAIN : `${aid}; why nothing else fits: ${EXPLAIN}`
}
