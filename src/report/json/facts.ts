import { FACTS_VERSION } from '../../facts/document.ts'
import type { FactsResult } from '../../model/result.ts'

/**
 * Each host with its `status`, its `groups`, and either `facts`, every reading known or with its reason, or the `fault`;
 * `notRoot` is the fault that kept us from being root, where that is why some are not known.
 * `takenAt` is when the last of them was read (RFC 3339, UTC), `tool` which ctfleet read them.
 */
export function factsJson(
  results: readonly FactsResult[],
  made: { readonly takenAt: string; readonly tool: string; readonly groupsOf: (host: string) => readonly string[] },
): object {
  const hosts = results.map(({ host, ...result }) => ({ host, groups: made.groupsOf(host), ...result }))
  return { version: FACTS_VERSION, takenAt: made.takenAt, tool: made.tool, hosts }
}
