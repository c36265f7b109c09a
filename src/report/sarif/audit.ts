import { createHash } from 'node:crypto'
import type { AuditFinding, Severity } from '../../model/audit.ts'
import type { AuditedHost, AuditReview, RuleFound, RuleTold } from '../../model/audit-review.ts'
import type { Baseline } from './baseline.ts'
import { message, uriOf } from './message.ts'

/** What made the audit: its name is ctfleet's, its version this one's. */
export type SarifTool = { readonly version: string }

/**
 * An audit as a SARIF 2.1.0 log (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html): one run; each rule with its help;
 * each finding a result whose logical location is its host, and whose artifact is where the inventory has the host, or the policy;
 * waivers are suppressions. Hosts that could not be asked are notifications of the invocation.
 * @param baseline null where it was compared with no other audit
 */
export function auditSarif(review: AuditReview, { version }: SarifTool, baseline: Baseline | null): object {
  const { made, rules, hosts, policy } = review
  const files = filesOf(review)
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'ctfleet', version, rules: rules.map((rule) => descriptor(rule, review.found)) } },
        automationDetails: {
          id: 'ctfleet/audit/',
          ...(made.since.length === 0 ? {} : { description: message(made.since.join('. ')) }),
        },
        invocations: [invocation(review, files)],
        artifacts: files.map(({ uri, role }) => ({ location: { uri }, roles: [role] })),
        columnKind: 'utf16CodeUnits',
        results: [
          ...hosts.flatMap((host) => ofHost(host, rules, files, baseline)),
          ...ofPolicy(policy, rules, made.policy === null ? [] : [policyPlace(made.policy, files)], baseline),
        ],
      },
    ],
  }
}

const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  warning: 'warning',
  info: 'note',
}

function descriptor({ id, summary, severity, off }: RuleTold, found: readonly RuleFound[]): object {
  const of = found.filter(({ rule }) => rule === id)
  const thresholds = [...new Set(of.flatMap((each) => each.thresholds))].map((text) => `It counts from: ${text}.`)
  const remedies = [...new Set(of.flatMap((each) => each.remedies))].map((text) => `Next: ${text}`)
  return {
    id,
    shortDescription: message(summary),
    help: message([`ctfleet audit looks for ${summary}.`, ...thresholds, ...remedies].join(' ')),
    defaultConfiguration: { enabled: !off, level: LEVELS[severity] },
  }
}

type File = {
  readonly uri: string
  readonly role: 'referencedOnCommandLine' | 'userSpecifiedConfiguration' | 'analysisTarget'
}

/** Files that results lie in, each once. */
function filesOf({ made, hosts }: AuditReview): readonly File[] {
  const named: readonly File[] = [
    ...[made.inventory, made.facts?.file ?? null].flatMap((file): readonly File[] =>
      file === null ? [] : [{ uri: uriOf(file), role: 'referencedOnCommandLine' }],
    ),
    ...(made.policy === null ? [] : [{ uri: uriOf(made.policy), role: 'userSpecifiedConfiguration' } as const]),
    ...hosts.flatMap(({ origin }): readonly File[] => {
      const place = originPlace(origin)
      return place === null ? [] : [{ uri: uriOf(place.file), role: 'analysisTarget' }]
    }),
  ]
  const seen = new Map<string, File>()
  for (const file of named) if (!seen.has(file.uri)) seen.set(file.uri, file)
  return [...seen.values()]
}

type Place = { readonly file: string; readonly line: number; readonly column: number }

function originPlace(origin: string | null): Place | null {
  const [, file, line, column] = /^(.+):(\d{1,9}):(\d{1,9})$/s.exec(origin ?? '') ?? []
  return file === undefined ? null : { file, line: Number(line), column: Number(column) }
}

function ofHost(
  host: AuditedHost,
  rules: readonly RuleTold[],
  files: readonly File[],
  baseline: Baseline | null,
): readonly object[] {
  const nth = counter()
  return host.findings.map((finding, at) => ({
    ...resultOf(finding, rules, `${host.host}: `),
    ...stateOf(baseline, host.host, at),
    locations: [locationOf(host, files)],
    partialFingerprints: fingerprint(finding.rule, host.host, nth(finding.rule)),
  }))
}

/** Titles of these name the waiver, and hold no number that changes from audit to audit. */
function ofPolicy(
  findings: readonly AuditFinding[],
  rules: readonly RuleTold[],
  locations: readonly object[],
  baseline: Baseline | null,
): readonly object[] {
  const nth = counter()
  return findings.map((finding, at) => ({
    ...resultOf(finding, rules, ''),
    ...stateOf(baseline, null, at),
    locations,
    partialFingerprints: fingerprint(finding.rule, finding.title, nth(finding.title)),
  }))
}

function stateOf(baseline: Baseline | null, host: string | null, at: number): object {
  return baseline === null ? {} : { baselineState: baseline(host, at) }
}

function policyPlace(file: string, files: readonly File[]): object {
  return { physicalLocation: { artifactLocation: artifact(uriOf(file), files) } }
}

/** How often it was asked for the same before. */
function counter(): (key: string) => number {
  const seen = new Map<string, number>()
  return (key) => {
    const count = seen.get(key) ?? 0
    seen.set(key, count + 1)
    return count
  }
}

function resultOf(finding: AuditFinding, rules: readonly RuleTold[], before: string): object {
  const { rule, severity, title, evidence, remedy, waived } = finding
  const ruleIndex = rules.findIndex(({ id }) => id === rule)
  const next = remedy === null ? [] : [`Next: ${remedy}`]
  return {
    ruleId: rule,
    ...(ruleIndex === -1 ? {} : { ruleIndex }),
    kind: 'fail',
    level: LEVELS[severity],
    message: message([`${before}${title}.`, ...evidence.map((line) => `${line}.`), ...next].join(' ')),
    suppressions:
      waived === null
        ? []
        : [
            {
              kind: 'external',
              status: 'accepted',
              justification: message(`${waived.reason} (until ${waived.until})`).text,
            },
          ],
  }
}

/** The same finding has the same one in each audit, whatever numbers its words hold. */
function fingerprint(rule: string, where: string, nth: number): object {
  const digest = createHash('sha256')
    .update(JSON.stringify([rule, where, nth]))
    .digest('hex')
  return { 'ruleAndPlace/v1': digest }
}

function locationOf({ host, origin }: AuditedHost, files: readonly File[]): object {
  const { text: name } = message(host)
  const place = originPlace(origin)
  const region = place === null ? null : { startLine: Math.max(place.line, 1), startColumn: Math.max(place.column, 1) }
  const file = place === null ? files.find(({ role }) => role === 'referencedOnCommandLine')?.uri : uriOf(place.file)
  return {
    ...(file === undefined
      ? {}
      : { physicalLocation: { artifactLocation: artifact(file, files), ...(region === null ? {} : { region }) } }),
    logicalLocations: [{ name, fullyQualifiedName: name, kind: 'resource' }],
  }
}

function artifact(uri: string, files: readonly File[]): object {
  return { uri, index: files.findIndex((file) => file.uri === uri) }
}

function invocation({ made, hosts }: AuditReview, files: readonly File[]): object {
  const silent = hosts.flatMap((host) => (host.trouble === null ? [] : [{ ...host, trouble: host.trouble }]))
  return {
    executionSuccessful: silent.length === 0,
    endTimeUtc: made.at,
    toolExecutionNotifications: silent.map(({ trouble, ...host }) => ({
      level: 'error',
      descriptor: { id: trouble.code },
      message: message(`${host.host}: ${trouble.message}${trouble.next === null ? '' : `. Next: ${trouble.next}`}`),
      locations: [locationOf({ ...host, trouble }, files)],
    })),
  }
}
