import { auditFleet } from '../audit/fleet.ts'
import type { Policy, Waiver } from '../audit/policy.ts'
import { InputError } from '../input/complaint.ts'
import type { SetAside } from '../inventory/inventory.ts'
import { type Choosable, selectFrom } from '../inventory/select-hosts.ts'
import type { AuditReport, AuditResult } from '../model/audit.ts'
import type { Host } from '../model/host.ts'
import type { LeftOut, LeftOutHosts } from '../model/result.ts'
import type { Applied } from './applied-last.ts'
import { type Audit, auditHost } from './audit-host.ts'
import type { Conduct } from './phase.ts'
import { asideResults } from './set-aside.ts'
import type { Telling } from './story.ts'
import { sifted } from './where.ts'

/** Hosts to audit, and the inventory that they were chosen from. */
export type AuditTargets = {
  readonly hosts: readonly Host[]
  readonly setAside: readonly SetAside[]
  readonly whole: Choosable<{ readonly name: string }>
}

export type Auditing = {
  readonly audit: Omit<Audit, 'applied'>
  readonly parallel: number
  /** What ctfleet applied last to these hosts, to be looked at again; null: it is not looked whether that is in force. */
  readonly applied: ((hosts: readonly Host[]) => Promise<readonly Applied[]>) | null
}

/** `at`: RFC 3339, UTC. */
export type Audited = LeftOutHosts & { readonly at: string; readonly report: AuditReport }

/** Holds hosts against a policy. Nothing on them changes, and nothing is kept. */
export async function auditTargets(targets: AuditTargets, auditing: Auditing, conduct: Conduct): Promise<Audited> {
  const { results, ...others } = sifted<AuditResult>(await askHosts(targets, auditing, conduct))
  const groups = new Map(targets.hosts.map(({ name, groups: its }) => [name, its]))
  const known = { groupsOf: (host: string) => groups.get(host) ?? [], whole: targets.whole }
  return { ...others, ...judgeFleet(results, auditing.audit.policy, known) }
}

/** What is to be said of all of them together, from what each of them told. */
export function judgeFleet(
  results: readonly AuditResult[],
  policy: Policy,
  {
    groupsOf,
    whole,
  }: { readonly groupsOf: (host: string) => readonly string[]; readonly whole: AuditTargets['whole'] },
): Pick<Audited, 'at' | 'report'> {
  const at = new Date().toISOString()
  const known = {
    groupsOf,
    covered: (waiver: Waiver) => coveredBy(waiver, whole),
    today: at.slice(0, 10),
  }
  return { at, report: auditFleet(results, policy, known) }
}

async function askHosts(
  { hosts, setAside }: AuditTargets,
  { audit, parallel, applied }: Auditing,
  conduct: Conduct,
): Promise<readonly (AuditResult | LeftOut)[]> {
  const standing = applied === null ? [] : await applied(hosts)
  const asked: Audit = { ...audit, applied: new Map(standing.map((result) => [result.host, result])) }
  const story = async (host: Host, telling: Telling) => await auditHost(host, asked, telling)
  const phase = { title: 'Auditing', hosts, parallel, story, onlyReads: true, onLeaving: ['Nothing was changed.'] }
  return [...(await conduct(phase)), ...asideResults(setAside)]
}

/** A pattern that is for nobody hides nothing, and is told with the findings: fleets shrink, policies are shared. */
function coveredBy({ hosts }: Waiver, whole: AuditTargets['whole']): ReadonlySet<string> | { readonly nobody: string } {
  try {
    const { hosts: chosen, setAside } = selectFrom(whole, hosts)
    return new Set([...chosen, ...setAside].map(({ name }) => name))
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const said = error.complaints.flatMap(({ message, hint }) => [message, ...(hint === null ? [] : [hint])])
    return { nobody: said.join('; ').replaceAll('\n', '; ') }
  }
}
