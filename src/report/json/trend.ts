import type { HostTrend } from '../../model/trend.ts'

const VERSION = 1

/** What `trend` prints as JSON: each host as in `HostTrend`, `line` with as many stretches of the window as the text has columns. */
export function trendJson(
  trends: readonly HostTrend[],
  window: { readonly since: string; readonly now: string },
): object {
  return { version: VERSION, ...window, hosts: trends }
}
