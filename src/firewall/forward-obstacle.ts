import { basesOn, seenBy } from './bases.ts'
import { forwardedReply, forwardedRequest, type Packet, reply, request, type Service, type State } from './packet.ts'
import type { Question } from './question.ts'
import { type Met, rulesMet } from './reach.ts'
import { type LiveRules, siteOf } from './rules.ts'
import { alters, restores } from './side-effects.ts'

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
        const untracked = met(false, 'UNTRACKED').filter(({ rule }) => alters(rule))
        const tracked = [...met(false, 'NEW'), ...met(false, 'ESTABLISHED')].filter(({ rule }) => alters(rule))
        const restored = tracked.find(({ rule }) => restores(rule))
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

/**
 * The rule that puts a connection's mark on packets of a local service, where that has a say: on what the host sends, since routes may
 * hang on it, or anywhere once some rule asks for marks. Untracked packets have no such mark.
 */
export function restoredMark(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
): { readonly why: string; readonly rule: string } | null {
  const { family } = question.space
  const isRead = live.some(({ rules }) =>
    rules.tables.some(({ chains }) =>
      chains.some((chain) => chain.rules.some(({ matches }) => matches.some(({ name }) => name === 'mark'))),
    ),
  )
  for (const packet of [request(family, service, 'wire'), reply(family, service, 'wire')]) {
    if (packet.path === 'in' && !isRead) continue
    for (const each of live) {
      for (const base of basesOn(each, packet.path)) {
        const asked: Packet = { ...seenBy(packet, base), flags: null }
        const found = rulesMet(question, each.rules, base, asked, true).met.find(({ rule }) => restores(rule))
        if (found === undefined) continue
        const why = "its packets get their connection's mark, by which they may be routed or told apart"
        return { why, rule: siteOf(base.table, found.chain, found.rule) }
      }
    }
  }
  return null
}
