import type { AuditFinding, AuditReport, AuditResult } from '../model/audit.ts'
import { SEVERITIES } from '../model/finding.ts'
import type { AuditChange, AuditChanges, ChangedFinding, FindingsHad } from '../model/history.ts'

/** What the later audit says that the earlier one did not. */
export function changesSince(before: AuditReport, after: AuditReport): AuditChanges {
  const earlier = byHost(before)
  const now = new Set(after.results.map(({ host }) => host))
  const audited = after.results.filter((result) => result.status === 'audited')
  const pairs = pairsIn(before, after, ({ waived }) => waived === null)
  const both = pairs.filter((pair): pair is ChangedFinding => pair.before !== null && pair.finding !== null)
  return {
    new: pairs.flatMap(({ host, before: none, finding }) =>
      none === null && finding !== null ? [{ host, finding }] : [],
    ),
    worse: both.filter((pair) => gravity(pair.finding) < gravity(pair.before)),
    better: both.filter((pair) => gravity(pair.finding) > gravity(pair.before)),
    gone: pairs.flatMap(({ host, before: gone, finding }): readonly AuditChange[] =>
      finding === null && gone !== null ? [{ host, finding: gone }] : [],
    ),
    lost: after.results.flatMap((result) =>
      result.status === 'audited' || isUnasked(earlier.get(result.host)) ? [] : [result],
    ),
    back: audited.flatMap(({ host }) => (isUnasked(earlier.get(host)) ? [host] : [])),
    left: before.results.flatMap(({ host }) => (now.has(host) ? [] : [host])),
  }
}

/** Which findings of the later audit the earlier one had, whether they counted or were waived, in either. */
export function findingsHad(before: AuditReport, after: AuditReport): FindingsHad {
  const pairs = pairsIn(before, after, () => true)
  return new Map(
    pairs.flatMap(({ before: then, finding }) => (then === null || finding === null ? [] : [[finding, then] as const])),
  )
}

/** The part of the later audit that is new or worse, and hosts that could not be asked any more. */
export function onlyChanged(report: AuditReport, { new: fresh, worse, lost }: AuditChanges): AuditReport {
  const changed = new Set([...fresh, ...worse].map(({ finding }) => finding))
  const gone = new Set(lost.map(({ host }) => host))
  return {
    ...report,
    policy: report.policy.filter((finding) => changed.has(finding)),
    results: report.results.flatMap((result): readonly AuditResult[] => {
      if (result.status !== 'audited') return gone.has(result.host) ? [result] : []
      const findings = result.findings.filter((finding) => changed.has(finding))
      return findings.length === 0 ? [] : [{ ...result, findings }]
    }),
  }
}

type Pair = {
  readonly host: string | null
  readonly before: AuditFinding | null
  readonly finding: AuditFinding | null
}

function byHost({ results }: AuditReport): ReadonlyMap<string, AuditResult> {
  return new Map(results.map((result) => [result.host, result]))
}

/** @param counts which findings are looked at, of both */
function pairsIn(before: AuditReport, after: AuditReport, counts: (finding: AuditFinding) => boolean): readonly Pair[] {
  const earlier = byHost(before)
  return [
    ...after.results.flatMap((result) =>
      result.status === 'audited'
        ? pairsOf(result.host, findingsOf(earlier.get(result.host)).filter(counts), result.findings.filter(counts))
        : [],
    ),
    ...pairsOf(null, before.policy.filter(counts), after.policy.filter(counts)),
  ]
}

function findingsOf(result: AuditResult | undefined): readonly AuditFinding[] {
  return result?.status === 'audited' ? result.findings : []
}

function isUnasked(result: AuditResult | undefined): boolean {
  return result !== undefined && result.status !== 'audited'
}

/** Which finding of now is which of then: titles hold numbers that change while the matter stays. */
function pairsOf(host: string | null, then: readonly AuditFinding[], now: readonly AuditFinding[]): readonly Pair[] {
  const left = [...then]
  const found = new Map<AuditFinding, AuditFinding>()
  const take = (finding: AuditFinding, fits: (each: AuditFinding) => boolean) => {
    const at = left.findIndex((each) => each.rule === finding.rule && fits(each))
    const [taken] = at === -1 ? [] : left.splice(at, 1)
    if (taken !== undefined) found.set(finding, taken)
  }
  for (const finding of now) take(finding, ({ title }) => title === finding.title)
  for (const finding of now)
    if (!found.has(finding)) take(finding, ({ title }) => shape(title) === shape(finding.title))
  for (const finding of now) {
    const isOnly = now.filter((each) => each.rule === finding.rule).length === 1
    const wasOnly = left.filter((each) => each.rule === finding.rule).length === 1
    // What cannot be told has a rule in common, and no matter.
    if (!found.has(finding) && isOnly && wasOnly && finding.rule !== 'cannot-tell') take(finding, () => true)
  }
  return [
    ...now.map((finding) => ({ host, before: found.get(finding) ?? null, finding })),
    ...left.map((before) => ({ host, before, finding: null })),
  ]
}

/** A title without its numbers and their units of time and size. */
function shape(title: string): string {
  return title.replaceAll(/[\d.,\u202f]*\d(?:\s?(?:d|h|min|s|%|B|[KMGTP]iB)\b)?/g, '#').replaceAll(/#(?:\s#)+/g, '#')
}

/** Smaller is graver. */
function gravity({ severity }: AuditFinding): number {
  return SEVERITIES.indexOf(severity)
}
