import { basesOn, seenBy } from './bases.ts'
import { METERED } from './match-kinds.ts'
import type { Packet } from './packet.ts'
import type { Question } from './question.ts'
import { rulesMet } from './reach.ts'
import { type LiveRules, type Rule, siteOf } from './rules.ts'
import { effectOf, onlyWatches } from './targets.ts'

/**
 * The rules that do more than decide on packets of these classes, whatever their state: they mark them or write into them,
 * count them, or note them down. What others make of that (routing, rules that read it, other ports' limits) stays as it was only
 * while the same packets meet them.
 */
export function rulesWithEffects(
  question: Question,
  live: readonly LiveRules[],
  packets: readonly Packet[],
): readonly string[] {
  const readers = new Set(
    live.flatMap(({ rules }) =>
      rules.tables.flatMap(({ chains }) =>
        chains.flatMap((chain) => chain.rules.flatMap(({ matches }) => matches.map(({ name }) => name))),
      ),
    ),
  )
  const found = new Set<string>()
  for (const packet of packets) {
    for (const each of live) {
      for (const base of basesOn(each, packet.path)) {
        const asked: Packet = { ...seenBy(packet, base), flags: null }
        for (const { chain, rule } of rulesMet(question, each.rules, base, asked, true).met) {
          if (counts(rule) || (alters(rule) && isFelt(rule, packet, readers))) {
            found.add(siteOf(base.table, chain, rule))
          }
        }
      }
    }
  }
  return [...found]
}

/**
 * Whether what a rule writes into a packet has a say: where some rule reads it, and for a mark on what leaves, since routes may
 * hang on it. What comes in for an address of the host is delivered whatever its mark.
 */
function isFelt({ target }: Rule, { path }: Packet, readers: ReadonlySet<string>): boolean {
  const name = target?.name ?? ''
  // How long segments may be is felt at the other end.
  if (name === 'TCPMSS' || target?.text?.includes('maxseg') === true) return true
  if (name === 'MARK' || name === 'mark' || name === 'CONNMARK') {
    return path !== 'in' || ['mark', 'packet', 'flow'].some((each) => readers.has(each))
  }
  if (name === 'SET' || name === 'set') return ['set', 'portset', 'flow', 'dynset'].some((each) => readers.has(each))
  return HEADER_READERS.some((each) => readers.has(each))
}

const HEADER_READERS: readonly string[] = ['dscp', 'tos', 'ttl', 'hl', 'ecn', 'u32', 'bpf', 'length', 'packet', 'flow']

/** Marks packets or writes into them; a connection's own mark does nothing until it is restored. */
export function alters(rule: Rule): boolean {
  const { target } = rule
  if (target === null || effectOf(target.name, target.options) !== 'go-on' || onlyWatches(target.name)) return false
  return target.name !== 'continue' && (!OF_THE_CONNECTION.has(target.name) || restores(rule))
}

/** Puts a connection's mark on its packets: untracked ones have none. */
export function restores({ target }: Rule): boolean {
  return target?.options.some(({ option }) => option.startsWith('restore')) ?? false
}

/** A rule that only logs spends its own limit; lists and named counters are read elsewhere too. */
function counts({ matches, target }: Rule): boolean {
  const metered = matches.filter(({ name }) => METERED.has(name))
  if (metered.length === 0) return false
  return metered.some(({ name }) => NAMED.has(name)) || (target !== null && !onlyWatches(target.name))
}

const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['CONNMARK', 'CONNSECMARK', 'connmark'])
const NAMED: ReadonlySet<string> = new Set(['recent', 'hashlimit', 'dynset', 'quota', 'quota2'])
