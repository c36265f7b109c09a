import type { ForetoldResult } from '../../model/result.ts'
import type { FactsSource } from './explanation.ts'

const VERSION = 1

/**
 * What was foretold from recorded facts. `appliable` is false, for the document and for each host; hosts have the keys that
 * a plan's hosts have where facts can fill them, and `changes` with readings for what was there before.
 */
export function indicativeJson(results: readonly ForetoldResult[], source: FactsSource): object {
  return { version: VERSION, appliable: false, source, hosts: results.map(hostJson) }
}

function hostJson(result: ForetoldResult): object {
  const plan = 'plan' in result ? result.plan : null
  const judged = 'findings' in result ? result : plan
  return {
    host: result.host,
    status: result.status,
    appliable: false,
    findings: judged?.findings ?? [],
    strategy: plan?.strategy ?? null,
    considered: judged?.considered ?? [],
    changes: plan?.changes ?? [],
    kept: plan?.kept ?? [],
    notes: plan?.notes ?? [],
    fault: 'fault' in result ? result.fault : null,
    why: 'why' in result ? result.why : null,
  }
}
