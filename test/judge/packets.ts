import { type Chain, type Rule, type RuleSet, siteOf } from '../../src/firewall/rules.ts'
import { type Label, NOT_TESTABLE } from './folder.ts'

/** What the packets say about taking a port out of tracking, whatever twins are added. */
export type Expected =
  | { readonly says: 'works' | 'unclear' | 'not testable' }
  | { readonly says: 'must refuse'; readonly why: string }

export function expected(label: Label): Expected {
  const { verdict, natCovers, reachable, notrackBoth, acceptBoth } = label
  if (label.port === null || verdict.startsWith(NOT_TESTABLE)) return { says: 'not testable' }
  const refuse = (why: string): Expected => ({ says: 'must refuse', why })
  if (natCovers !== null) return refuse(`translated: ${natCovers}`)
  if (/^opens/.test(verdict)) return refuse('NOTRACK makes a closed port answer')
  if (/^(?!closed|safe).*(NAT|REDIRECT)/.test(verdict)) return refuse('untracked packets are not translated')
  if (/^breaks(?! without)/.test(verdict)) return refuse('it breaks')
  if (isOpen(label) === false && notrackBoth === 'ok') return refuse('NOTRACK makes a closed port answer')
  if (reachable === 'ok' && acceptBoth !== null && acceptBoth !== 'ok') {
    return refuse('accepting all that is untracked does not mend it')
  }
  return { says: /^(safe|closed|breaks without)/.test(verdict) ? 'works' : 'unclear' }
}

/** What a patch adds for a service's own packets: accepts of untracked requests, and of the replies to them. */
export type Twins = { readonly requests: boolean; readonly replies: boolean }

/**
 * Why a patch with these twins cannot be what packets showed; null where they do not contradict it. Measured were NOTRACK both
 * ways alone and with an accept of all that is untracked first in INPUT, then in OUTPUT too. Where these failed, fewer accepts
 * fail too; where they passed, narrow twins are believed. That such an accept opens a closed port says nothing of a twin.
 */
export function contradiction(label: Label, twins: Twins): string | null {
  const told = expected(label)
  if (told.says === 'must refuse') return told.why
  if (isOpen(label) !== true) return null
  const { verdict, notrackBoth, acceptIn } = label
  const breaksAlone = notrackBoth === null ? verdict.startsWith('breaks') : notrackBoth !== 'ok'
  if (!breaksAlone) return null
  const inputIsEnough = acceptIn === null ? !/INPUT and OUTPUT/.test(verdict) : acceptIn === 'ok'
  if (inputIsEnough) return twins.requests ? null : 'NOTRACK alone breaks it, and nothing lets untracked requests in'
  return twins.replies ? null : 'accepting untracked requests is not enough, and nothing lets untracked replies out'
}

function isOpen({ reachable, verdict }: Label): boolean | null {
  if (reachable !== null) return reachable === 'ok'
  return /^(safe|breaks)/.test(verdict) ? true : /^(closed|opens)/.test(verdict) ? false : null
}

/**
 * What in the rules themselves gives cause to refuse a port although the measured packets, of one client and one connection,
 * would pass: a rule that translates the port for others, or one that counts its new connections, which nothing can do once
 * they are untracked. Read off the rules' words alone, so that it does not lean on the verdict that it excuses.
 */
export function causeIn(
  rules: RuleSet,
  port: number,
): { readonly kind: 'NAT' | 'state'; readonly rule: string } | null {
  for (const table of rules.tables) {
    for (const chain of table.chains) {
      const guilty = chain.rules.find((rule) =>
        table.name === 'nat' ? translates(rule, chain, port) : countsNew(rule, port),
      )
      if (guilty === undefined) continue
      return { kind: table.name === 'nat' ? 'NAT' : 'state', rule: siteOf(table.name, chain.name, guilty) }
    }
  }
  return null
}

function translates(rule: Rule, chain: Chain, port: number): boolean {
  const isSource = rule.target?.name === 'MASQUERADE'
  if (isSource) return turnsTo(rule).some((each) => holds(each, port))
  if (chain.name === 'POSTROUTING' || !TRANSLATING.has(rule.target?.name ?? '')) return false
  if (rule.target?.name === 'REDIRECT' && turnsTo(rule).some((each) => holds(each, port))) return true
  const asked = portsOf(rule)
  // Other chains are entered by what asked for the port already.
  return asked.length === 0 ? chain.name === 'PREROUTING' : asked.some((each) => holds(each, port))
}

function turnsTo({ target }: Rule): readonly string[] {
  return (target?.options ?? []).flatMap(({ option, values }) =>
    option === 'to-ports' ? values.map((each) => each.replace('-', ':')) : [],
  )
}

const TRANSLATING: ReadonlySet<string> = new Set(['DNAT', 'REDIRECT', 'NETMAP'])

function countsNew(rule: Rule, port: number): boolean {
  const names = rule.matches.map(({ name }) => name)
  return (
    names.some((name) => name === 'state' || name === 'conntrack') &&
    names.some((name) => COUNTING.has(name)) &&
    portsOf(rule).some((each) => holds(each, port))
  )
}

const COUNTING: ReadonlySet<string> = new Set(['limit', 'hashlimit', 'recent', 'connlimit'])

function portsOf(rule: Rule): readonly string[] {
  return rule.matches
    .flatMap(({ tests }) => tests)
    .filter(({ option }) => ['dport', 'dports', 'ports', 'ctorigdstport'].includes(option))
    .flatMap(({ values }) => (values[0] ?? '').split(','))
}

function holds(range: string, port: number): boolean {
  const [first = '', last = first] = range.split(':')
  return Number(first || 0) <= port && port <= Number(last || 65_535)
}
