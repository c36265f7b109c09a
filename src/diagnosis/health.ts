import type { Finding, FindingRule } from '../model/finding.ts'

/** `healthy`: below the threshold, no drop between the readings, no "table full" within a day, and all of it known. */
export type Health = 'healthy' | 'unwell' | 'cannot-tell'

export function healthOf(findings: readonly Finding[]): Health {
  if (findings.some(({ rule, severity }) => severity !== 'info' && BEARING[rule] === 'unwell')) return 'unwell'
  return findings.some(({ rule }) => BEARING[rule] === 'cannot-tell') ? 'cannot-tell' : 'healthy'
}

/** What each rule says about health, unless it only informs. Evictions and long chains are told, but lose no packet yet. */
const BEARING: { readonly [Rule in FindingRule]: Health } = {
  'dropping-now': 'unwell',
  'near-full': 'unwell',
  'notrack-broken': 'unwell',
  'dropped-lately': 'unwell',
  evicting: 'healthy',
  'hash-too-small': 'healthy',
  'busy-port': 'healthy',
  'stale-entries': 'healthy',
  forecast: 'healthy',
  'tracking-unused': 'healthy',
  'not-tracking': 'healthy',
  container: 'healthy',
  'cannot-tell': 'cannot-tell',
}
