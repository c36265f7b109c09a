import { homedir } from 'node:os'
import { parsePolicy } from '../audit/parse-policy.ts'
import { DEFAULT_POLICY, type Policy } from '../audit/policy.ts'
import { readTextFile } from '../input/text-file.ts'
import type { Host } from '../model/host.ts'
import { loadPlaybooks } from '../playbook/load.ts'
import { appliedLast } from '../run/applied-last.ts'
import { type Audited, auditTargets } from '../run/audit-fleet.ts'
import { whereFrom } from '../run/where.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import { databaseStore } from '../store/database.ts'
import { stateDirectory } from '../store/state-directory.ts'
import { checkOptions } from './checked-options.ts'
import { chosenHosts, type HostOptions } from './chosen-hosts.ts'
import { conductFor, type FollowOptions, heard } from './following.ts'
import { READING } from './plan.ts'

export type AuditOptions = HostOptions &
  FollowOptions & {
    /** A file, or what `parsePolicy` made of a text. Left out: all rules, with their usual thresholds. */
    readonly policy?: string | Policy
    /** Only hosts for which this is true, in CEL over their facts: `conntrack.usage > 0.8`. */
    readonly where?: string
    /** Ask also whether what ctfleet applied last is in force, and who changed it. Left out: true. */
    readonly drift?: boolean
    /** Hosts at a time, from 1 on. Left out: 100. */
    readonly parallel?: number
    /** Where the record of runs is kept, for `drift`. Left out: that of the command line. */
    readonly stateDirectory?: string
  }

/**
 * Holds hosts against rules, ours and a site's own. Changes nothing, and keeps nothing.
 * @throws InputError with every mistake in what was given, before any host is contacted. A host that could not be asked is
 *   in the report, with why.
 */
export async function audit(options: AuditOptions = {}): Promise<Audited> {
  checkOptions({ parallel: options.parallel })
  const { policy = DEFAULT_POLICY, drift = true, parallel = READING } = options
  const read = typeof policy === 'string' ? parsePolicy(readTextFile(policy), policy) : policy
  const { playbooks } = loadPlaybooks('auto', STEP_KINDS)
  const where = whereFrom(options.where)
  const chosen = await chosenHosts(options)
  const store = databaseStore(options.stateDirectory ?? stateDirectory(process.env, homedir()), () => undefined)
  const applied = async (hosts: readonly Host[]) => {
    try {
      return await appliedLast(store, hosts)
    } catch (error) {
      // A record that cannot be read spoils no audit.
      const text = `whether what ctfleet applied is in force was not asked: ${error instanceof Error ? error.message : String(error)}`
      heard(options.onEvent)({ event: 'remark', phase: 'auditing', text, bad: true })
      return []
    }
  }
  const auditing = { audit: { policy: read, playbooks, where }, parallel, applied: drift ? applied : null }
  return await auditTargets(chosen, auditing, conductFor(options))
}
