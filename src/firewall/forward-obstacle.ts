import { basesOn, seenBy } from './bases.ts'
import { forwardedReply, forwardedRequest, type Packet, type Service, type State } from './packet.ts'
import type { Question } from './question.ts'
import { type Met, rulesMet } from './reach.ts'
import { type LiveRules, siteOf } from './rules.ts'
import { effectOf, onlyWatches } from './targets.ts'

/**
 * The rule that does more with tracked packets of a forwarded flow than let them pass: it takes them a shorter way, or leaves
 * in them a mark by which they are routed. Null where untracked ones are treated alike.
 */
export function forwardObstacle(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
): { readonly why: string; readonly rule: string } | null {
  const { family } = question.space
  for (const packet of [forwardedRequest(family, service), forwardedReply(family, service)]) {
    for (const each of live) {
      for (const base of basesOn(each, packet.path)) {
        const met = (anyState: boolean, state: State): readonly Met[] => {
          const asked: Packet = { ...seenBy(packet, base), flags: null, state: { is: state } }
          return rulesMet(question, each.rules, base, asked, anyState).met
        }
        const named = ({ chain, rule }: Met) => siteOf(base.table, chain, rule)
        const fast = met(true, 'ESTABLISHED').find(({ rule }) => OFFLOADS.has(rule.target?.name ?? ''))
        if (fast !== undefined)
          return { why: 'its flows are offloaded, which untracked ones never are', rule: named(fast) }
        const untracked = met(false, 'UNTRACKED').filter(alters)
        const tracked = [...met(false, 'NEW'), ...met(false, 'ESTABLISHED')].filter(alters)
        const restored = tracked.find(restores)
        if (restored !== undefined)
          return { why: "its packets get their connection's mark, by which they may be routed", rule: named(restored) }
        const lost = tracked.find(({ rule }) => !untracked.some((other) => other.rule === rule))
        const gained = untracked.find(({ rule }) => !tracked.some((other) => other.rule === rule))
        const other = lost ?? gained
        if (other !== undefined) return { why: 'its packets are changed by their state', rule: named(other) }
      }
    }
  }
  return null
}

const OFFLOADS: ReadonlySet<string> = new Set(['flow', 'FLOWOFFLOAD'])
/** A connection's own mark does nothing until it is restored. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['CONNMARK', 'CONNSECMARK', 'connmark'])

function alters(met: Met): boolean {
  const { target } = met.rule
  if (target === null || effectOf(target.name, target.options) !== 'go-on' || onlyWatches(target.name)) return false
  return !OF_THE_CONNECTION.has(target.name) || restores(met)
}

function restores({ rule }: Met): boolean {
  return rule.target?.options.some(({ option }) => option.startsWith('restore')) ?? false
}
