import { parsePolicy } from '../../audit/parse-policy.ts'
import { DEFAULT_POLICY, type Policy } from '../../audit/policy.ts'
import { onlyChanged } from '../../audit/since.ts'
import { type InputError, quoted } from '../../input/complaint.ts'
import { didYouMean } from '../../input/nearest.ts'
import { readTextFile } from '../../input/text-file.ts'
import type { AuditResult, Severity } from '../../model/audit.ts'
import { SEVERITIES } from '../../model/finding.ts'
import type { Host } from '../../model/host.ts'
import { loadPlaybooks } from '../../playbook/load.ts'
import { AUDIT_REPORTS } from '../../report/catalog.ts'
import { type Paper, visible } from '../../report/format.ts'
import type { FactsSource } from '../../report/json/explanation.ts'
import { appliedLast } from '../../run/applied-last.ts'
import { type Audited, auditTargets, judgeFleet } from '../../run/audit-fleet.ts'
import { type Audit, auditRecorded } from '../../run/audit-host.ts'
import type { Sampler } from '../../run/sampling.ts'
import { sifted, whereFrom } from '../../run/where.ts'
import { STEP_KINDS } from '../../steps/catalog.ts'
import { waitAtMost } from '../../transport/cancel.ts'
import { askForAccess } from '../access.ts'
import { auditRecord, type LostOn } from '../audit-record.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { type ExitCode, exitCodeOfAuditing } from '../exit-code.ts'
import { recordedFrom } from '../facts-file.ts'
import { conductOn } from '../fleet-phase.ts'
import { forksFrom, READING } from '../parallel.ts'
import { deliverOrPrint, formatAmong } from '../report-file.ts'
import { sinceLast } from '../since-last.ts'
import { openStore } from '../state.ts'
import { choosable, type TargetWords, targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'
import { checkWritable } from '../whole-file.ts'

export type AuditWords = TargetWords & {
  readonly policy: string | undefined
  readonly failOn: string
  readonly facts: string | undefined
  readonly drift?: boolean | undefined
  readonly where?: string | undefined
  readonly sinceLast?: boolean | undefined
  readonly format?: string | undefined
  readonly output?: string | undefined
  readonly forks: string | undefined
}

export async function auditCommand(words: AuditWords, terminal: Terminal): Promise<ExitCode> {
  const { source, policy, loaded, failOn, format, where } = await checkAll({
    source: () => sourceFrom(words),
    policy: () => policyFrom(words.policy),
    loaded: () => loadPlaybooks('auto', STEP_KINDS),
    failOn: () => failOnFrom(words.failOn),
    format: () => formatAmong(AUDIT_REPORTS, words),
    output: () => checkWritable(words.output),
    where: () => whereFrom(words.where),
  })
  const record = words.facts === undefined ? auditRecord(words, terminal) : null
  const last = record === null || words.sinceLast !== true ? null : await record.last()
  const startedAt = new Date().toISOString()
  const audit = { policy, playbooks: loaded.playbooks, where, earlier: await record?.earlier() }
  const { report: whole, at, recorded, inventory, origins, ...others } = await source(audit, terminal, record?.sampler)
  const since = last === null ? undefined : { ...sinceLast(last, whole, terminal), whole }
  const report = since === undefined ? whole : onlyChanged(whole, since.changes)
  const audited = {
    report,
    since,
    made: { at, policy: policy.file, failOn, source: recorded },
    typed: words.inventory ?? words.inventoryOption ?? null,
    inventory,
    others: where === null ? null : others,
    originOf: (host: string) => origins.get(host) ?? null,
    tool: { version: version() },
  }
  const write = (paper: Paper) => AUDIT_REPORTS[format].write(audited, paper)
  const asText = () => AUDIT_REPORTS.text.write(audited, terminal.paper)
  const keep = async (lostOn: LostOn, say: Terminal['say']) =>
    await record?.keep({ startedAt, endedAt: at, report: whole, lostOn }, say)
  // A window that is closed may end us before the report is through, and a record that is busy must not hold it up.
  const later: string[] = []
  const isKeptFirst = words.output === undefined && terminal.hasReader === true
  const keeping = isKeptFirst ? keep(null, (lines) => later.push(...lines)) : null
  if (keeping !== null) await waitAtMost(keeping, BUSY_MS)
  const failed = await deliverOrPrint(words.output, write, terminal, asText)
  if (keeping === null) await keep(await lostIn(failed, terminal), terminal.say)
  await keeping
  // Below the report, where it is seen.
  if (later.length > 0) terminal.say(later)
  if (failed !== null) throw failed
  return exitCodeOfAuditing(report, failOn)
}

/** How long a report waits at most for the record that it is kept in, in milliseconds. */
const BUSY_MS = 2000

async function lostIn(failed: InputError | null, { reportLost }: Terminal): Promise<LostOn> {
  if (failed !== null) return 'file'
  return ((await reportLost?.()) ?? null) === null ? null : 'stdout'
}

/** What came of it. */
type Told = Audited & {
  readonly recorded: FactsSource | null
  /** Null where recorded facts were judged. */
  readonly inventory: string | null
  /** Where the inventory has each host. */
  readonly origins: ReadonlyMap<string, string>
}
type Source = (audit: Audit, terminal: Terminal, sampler?: Sampler) => Promise<Told>

/** The hosts themselves, or what was recorded of them. */
async function sourceFrom(words: AuditWords): Promise<Source> {
  if (words.facts !== undefined) {
    if (words.sinceLast === true) {
      throw complainAbout('--since-last', 'compares audits on record, and one of --facts is not kept', 'leave one out')
    }
    const { hosts, source } = await recordedFrom(words.facts, words)
    const named = hosts.map(({ host, groups }) => ({ name: host, groups }))
    const groups = new Map(named.map(({ name, groups: its }) => [name, its]))
    const known = { groupsOf: (host: string) => groups.get(host) ?? [], whole: choosable(words.facts, named) }
    return async (audit) => {
      const { results, ...others } = sifted<AuditResult>(hosts.map((host) => auditRecorded(host, audit)))
      return {
        ...others,
        ...judgeFleet(results, audit.policy, known),
        recorded: source,
        inventory: null,
        origins: new Map(),
      }
    }
  }
  const { targets, parallel } = await checkAll({
    targets: () => targetsFrom(words),
    parallel: () => forksFrom(words.forks, READING),
  })
  return async (audit, terminal, sampler) => {
    await askForAccess(targets.hosts, words)
    const applied = async (hosts: readonly Host[]) => await appliedTo(hosts, terminal)
    const auditing = { audit, parallel, applied: words.drift === false ? null : applied }
    const told = await auditTargets(targets, auditing, sampler?.over(conductOn(terminal)) ?? conductOn(terminal))
    const origins = new Map(targets.hosts.map(({ name, origin }) => [name, origin]))
    return { ...told, recorded: null, inventory: targets.inventory, origins }
  }
}

/** A record that cannot be read spoils no audit; it is said that one question was not asked. */
async function appliedTo(hosts: readonly Host[], terminal: Terminal) {
  try {
    return await appliedLast(openStore(terminal), hosts)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    terminal.say([visible(`Whether what ctfleet applied is in force was not asked: its record cannot be read: ${why}`)])
    return []
  }
}

function policyFrom(file: string | undefined): Policy {
  return file === undefined ? DEFAULT_POLICY : parsePolicy(readTextFile(file), file)
}

function failOnFrom(text: string): Severity {
  const severity = SEVERITIES.find((each) => each === text)
  if (severity !== undefined) return severity
  const hint = didYouMean(text, SEVERITIES)
  throw complainAbout('--fail-on', `expected critical, warning or info, found ${quoted(text)}`, hint)
}
