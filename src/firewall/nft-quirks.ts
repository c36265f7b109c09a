import type { Match, Rule, RuleSet } from './rules.ts'

/**
 * The rules as nf_tables holds them when iptables-nft loaded them, where that is not what they say: 1.8.9 makes of
 * `! --sport 53 ! --dport 443` a test that only the two together fail (measured), and other versions may not. Such a test is
 * one that nobody may rely on.
 */
export function asNftHolds(rules: RuleSet): RuleSet {
  const tables = rules.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({ ...chain, rules: chain.rules.map(held) })),
  }))
  return { ...rules, tables }
}

function held(rule: Rule): Rule {
  return rule.matches.some(isMisread) ? { ...rule, matches: rule.matches.map(doubted) } : rule
}

function doubted(match: Match): Match {
  return isMisread(match) ? { name: 'unknown', tests: [], text: match.text } : match
}

function isMisread({ name, tests }: Match): boolean {
  if (name !== 'tcp' && name !== 'udp' && name !== 'udplite' && name !== 'sctp' && name !== 'dccp') return false
  return tests.filter(({ option, negated }) => negated && (option === 'sport' || option === 'dport')).length > 1
}
