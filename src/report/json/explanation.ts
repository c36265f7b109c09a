import type { ExplainResult } from '../../model/result.ts'

const VERSION = 1

/** Where recorded facts were read from; null where the hosts themselves were asked. */
export type FactsSource = { readonly facts: string; readonly takenAt: string | null; readonly tool: string | null }

/**
 * What explain prints as JSON. Every host has the same keys: `host`, `status`, `locked`, `health`, `findings`, `table`, `strategies`
 * (each with its `verdict` and its `effect`, where every number is a reading), `choice`, `ports`, `standing`, `root`, `notRoot`
 * (the fault that kept us from being root), `fault`, `why`; null or `[]` where there is none.
 */
export function explanationJson(results: readonly ExplainResult[], source: FactsSource | null): object {
  return { version: VERSION, source, hosts: results.map(hostJson) }
}

function hostJson(result: ExplainResult): object {
  const explained = result.status === 'explained' ? result.explanation : null
  return {
    host: result.host,
    status: result.status,
    locked: explained?.locked ?? null,
    health: explained?.health ?? null,
    findings: explained?.findings ?? [],
    table: explained?.table ?? null,
    strategies: explained?.strategies ?? [],
    choice: explained?.choice ?? null,
    ports: explained?.ports ?? null,
    standing: explained?.standing ?? [],
    root: explained?.root ?? null,
    notRoot: (result.status === 'explained' ? result.notRoot : null) ?? null,
    fault: 'fault' in result ? result.fault : null,
    why: 'why' in result ? result.why : null,
  }
}
