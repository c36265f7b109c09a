import { ownKey } from './ours.ts'
import type { Service } from './packet.ts'
import type { LiveRules, Match, Rule } from './rules.ts'
import { portRanges } from './space.ts'
import { effectOf } from './targets.ts'

/** Every comment of ours that some rule carries. */
export function standingKeys(live: readonly LiveRules[]): ReadonlySet<string> {
  return new Set(rulesOf(live).flatMap((rule) => ownKey(rule) ?? []))
}

/** The services that rules of ours leave untracked, as these stand. */
export function standingServices(live: readonly LiveRules[]): readonly Service[] {
  const found = new Map<string, Service>()
  for (const rule of rulesOf(live)) {
    if (ownKey(rule) === null || rule.target === null) continue
    if (effectOf(rule.target.name, rule.target.options) !== 'no-track') continue
    for (const service of servicesOf(rule)) found.set(JSON.stringify(service), service)
  }
  return [...found.values()]
}

function rulesOf(live: readonly LiveRules[]): readonly Rule[] {
  return live.flatMap(({ rules }) => rules.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules)))
}

/** A service is told by the rule for its requests, which asks whether they go to the host itself. */
function servicesOf(rule: Rule): readonly Service[] {
  const local = testOf(rule, ({ option }) => option === 'dst-type' || option === 'fib-destination')
  const ports = testOf(rule, ({ option }) => option === 'dport' || option === 'dports')
  const protocol = testOf(rule, ({ option }) => option === 'protocol')?.values[0]
  if (local === undefined || ports === undefined || (protocol !== 'tcp' && protocol !== 'udp')) return []
  return (portRanges(ports.values.join(',')) ?? []).flatMap(([first, last]) =>
    Array.from({ length: Math.min(last - first, MOST_PORTS) + 1 }, (_, at): Service => {
      const port = first + at
      return local.negated ? { protocol, port, forwarded: true } : { protocol, port }
    }),
  )
}

/** A rule of ours names no more. */
const MOST_PORTS = 1000

function testOf(rule: Rule, wanted: (test: Match['tests'][number]) => boolean): Match['tests'][number] | undefined {
  return rule.matches.flatMap(({ tests }) => tests).find(wanted)
}
