import { describe, expect, test } from 'vitest'
import { seenBy } from '../../src/firewall/bases.ts'
import { coarsened } from '../../src/firewall/coarse.ts'
import { chainFate, questionFor } from '../../src/firewall/evaluate.ts'
import { and, not } from '../../src/firewall/logic.ts'
import { ruleMatches } from '../../src/firewall/match.ts'
import { asNftHolds } from '../../src/firewall/nft-quirks.ts'
import { forwardedRequest, icmpMessage, overLoopback, type Packet, reply, request } from '../../src/firewall/packet.ts'
import type { LiveRules } from '../../src/firewall/rules.ts'
import { removableStatefulRules } from '../../src/firewall/stateful.ts'
import type { Json } from '../../src/model/json.ts'
import { live } from './dump.ts'
import { accept, ct, drop, match, meta, native, payload, states } from './native-dump.ts'

/** What counters of a real kernel (6.18, iptables 1.8.9) taught the model; test/kernel asks them again wherever it can. */

const SSH = { protocol: 'tcp', port: 22 } as const
const ECHO_REPLY = 0
const RESET: Json = { reject: { type: 'tcp reset' } }

describe('addresses of the host itself', () => {
  const answers = (family: 'ip' | 'ip6', types: string) =>
    answer(
      live(`filter INPUT ACCEPT\n-m addrtype --dst-type ${types} -j DROP`, 'legacy', family),
      request(family, SSH, 'wire'),
    )

  test("are unicast too where IPv6's addrtype asks, which looks at the address alone", () => {
    expect(answers('ip6', 'UNICAST')).toBe('holds')
    expect(answers('ip6', 'LOCAL')).toBe('holds')
    expect(answers('ip6', 'LOCAL,UNICAST')).toBe('holds')
  })

  test('and all such types that are named must hold', () => {
    expect(answers('ip6', 'LOCAL,MULTICAST')).toBe('never')
  })

  test("but IPv4's looks up the route, which has one type", () => {
    expect(answers('ip', 'UNICAST')).toBe('never')
    expect(answers('ip', 'LOCAL,MULTICAST')).toBe('holds')
  })
})

test('whether a forwarded packet in POSTROUTING still has its way in depends on the kernel', () => {
  const rules = live('mangle POSTROUTING ACCEPT\n-j late\nmangle late\n-i eth0 -j DROP')
  const base = { table: 'mangle', chain: 'POSTROUTING', sees: 'out' } as const
  const question = ask(rules)
  const packet = { ...forwardedRequest('ip', SSH), in: { is: 'eth0' }, out: { is: 'eth1' } }
  const fate = chainFate(question, rules.rules, base, seenBy(packet, base))
  for (const end of ['accept', 'drop']) {
    expect(question.decisions.witness(fate, (value) => value === end)).not.toBeNull()
  }
})

describe('what the tuple of a connection holds', () => {
  const tracked = { state: { is: 'ESTABLISHED' }, direction: 'original', translated: false } as const
  const echo: Packet = { ...icmpMessage('ip', ECHO_REPLY, 'in'), ...tracked }
  const conntrack = (test: string) => live(`filter INPUT ACCEPT\n-m conntrack ${test} -j DROP`)

  test('stands for ports of ICMP too: its type and id', () => {
    expect(answer(conntrack('--ctorigdstport 80'), echo)).toBe('open')
    expect(answer(conntrack('--ctorigdstport 80'), { ...request('ip', SSH, 'wire'), ...tracked })).toBe('never')
  })

  test("is that of the flow which an error is about: not even its protocol is the error's own", () => {
    expect(answer(conntrack('--ctproto 6'), { ...echo, state: { is: 'RELATED' }, direction: null })).toBe('open')
    expect(answer(conntrack('--ctproto 6'), echo)).toBe('never')
  })
})

test('a flag that is asked for and left out of the comparison is never found', () => {
  const rules = live('filter INPUT ACCEPT\n-p tcp -m tcp --tcp-flags SYN SYN,ACK -j DROP')
  for (const flags of [['SYN'], ['SYN', 'ACK'], ['ACK'], []]) {
    expect(answer(rules, { ...request('ip', SSH, 'wire'), flags })).toBe('never')
  }
})

describe('a later piece of a datagram', () => {
  const RULES = 'filter INPUT ACCEPT\n-p udp -m udp --dport 53 -j DROP\n-m state --state NEW -j ACCEPT'
  const piece = (fragment: 'read' | 'unread'): Packet => {
    const none = { is: -1 }
    return {
      ...request('ip', { protocol: 'udp', port: 53 }, 'wire'),
      sourcePort: none,
      destinationPort: none,
      fragment,
    }
  }

  test('has no ports for the old tables; nf_tables reads what stands in their place', () => {
    expect(answer(live(RULES), piece('unread'))).toBe('never')
    expect(answer(live(RULES, 'nft'), piece('read'))).toBe('open')
  })

  test('so that in nf_tables a port that is dropped keeps tracking, which puts the pieces together', () => {
    expect(removableStatefulRules([live(RULES, 'legacy')])).toMatchObject({ removable: true })
    expect(removableStatefulRules([live(RULES, 'nft')])).toMatchObject({
      removable: false,
      why: 'fragments of accepted datagrams would be dropped without tracking',
    })
  })
})

test('nobody may rely on two negated ports in one rule of iptables-nft, which asks for both at once', () => {
  const rules = live('filter INPUT ACCEPT\n-p tcp -m tcp ! --sport 53 ! --dport 443 -j DROP', 'nft')
  const held = { ...rules, rules: asNftHolds(rules.rules) }
  expect(answer(held, request('ip', SSH, 'wire'))).toBe('unsure')
  const one = live('filter INPUT ACCEPT\n-p tcp -m tcp --sport 53 ! --dport 443 -j DROP', 'nft').rules
  expect(asNftHolds(one)).toEqual(one)
})

test('over loopback, where client and server both come in, a long list may hold the one and not the other', () => {
  const list = Array.from({ length: 40 }, (_, at) => `-s 127.0.0.${at}/32 -j DROP`)
  const [rules] = coarsened([live(['filter INPUT ACCEPT', ...list].join('\n'))]) as [LiveRules]
  const question = ask(rules)
  const [there, back] = [request('ip', SSH, 'lo'), overLoopback(reply('ip', SSH, 'lo'))].map((packet) =>
    listed(question, rules, packet),
  ) as [number, number]
  const { decisions } = question
  expect(decisions.witness(and(decisions, there, not(decisions, back)), (value) => value === 'yes')).not.toBeNull()
})

describe("in nft's own rules", () => {
  const input = (...rules: readonly (readonly Json[])[]) =>
    native([{ name: 'inet t', chains: { input: { at: 'input 0', rules } } }], 'ip')[0] as LiveRules
  const fate = (rules: LiveRules, packet: Packet) => {
    const question = ask(rules)
    const table = rules.rules.tables[0]?.name ?? ''
    const node = chainFate(question, rules.rules, { table, chain: 'input', sees: 'in' }, packet)
    return question.decisions.variablesOf(node).length > 0 ? 'open' : question.decisions.valueAt(node, new Map())
  }
  const udp = request('ip', { protocol: 'udp', port: 53 }, 'wire')
  const echo = icmpMessage('ip', ECHO_REPLY, 'in')

  test('a port whose protocol is not named is, in ICMP, whatever stands in its place', () => {
    const rules = input([match(payload('th', 'dport'), 53), drop])
    expect([udp, request('ip', SSH, 'wire'), echo].map((packet) => fate(rules, packet))).toEqual([
      'drop',
      'accept',
      'open',
    ])
    const named = input([match(meta('l4proto'), { set: ['tcp', 'udp'] }), match(payload('th', 'dport'), 53), drop])
    expect([udp, echo].map((packet) => fate(named, packet))).toEqual(['drop', 'accept'])
  })

  test("a connection's address without its family is listed as another one, so nobody relies on it or writes it again", () => {
    const tracked = { ...udp, state: { is: 'ESTABLISHED' }, direction: 'original' } as const
    const listed = (key: string) => input([match(ct(key, 'original'), '0.0.198.18'), accept])
    expect(answer(listed('saddr'), tracked)).toBe('open')
    expect(removableStatefulRules([listed('saddr')])).toMatchObject({
      why: expect.stringMatching(/be put back as it is/),
    })
    expect(removableStatefulRules([listed('ip saddr')])).toMatchObject({ removable: true })
  })

  test('two negated tests of neighbouring fields become one that only both together fail, so nobody relies on them', () => {
    const not = (protocol: string, field: string, value: Json) => match(payload(protocol, field), value, '!=')
    const ssh = request('ip', SSH, 'wire')
    expect(fate(input([not('tcp', 'sport', 53), accept], [not('tcp', 'dport', 443), drop]), ssh)).not.toBe('unsure')
    const pair = input([not('tcp', 'dport', 443), states('new'), not('tcp', 'sport', 53), drop])
    expect([ssh, udp].map((packet) => fate(pair, packet))).toEqual(['unsure', 'accept'])
    // Addresses, sets and what is not negated stay apart.
    const apart = input([
      not('ip', 'saddr', '192.0.2.1'),
      not('ip', 'daddr', '192.0.2.2'),
      not('tcp', 'dport', 443),
      drop,
    ])
    expect(fate(apart, ssh)).toBe('open')
    const sets = input([not('tcp', 'dport', { set: [80, 443] }), not('tcp', 'dport', 53), drop])
    expect(fate(sets, ssh)).toBe('drop')
  })

  test('a reset goes to TCP alone, which a table of one family does not say', () => {
    const rules = native([{ name: 'ip t', chains: { input: { at: 'input 0', rules: [[RESET]] } } }])[0] as LiveRules
    expect([request('ip', SSH, 'wire'), udp].map((packet) => fate(rules, packet))).toEqual(['drop', 'accept'])
  })

  test('behind tests alone it may be for one family, which a table of both does not say, nor could say again', () => {
    const ssh = request('ip', SSH, 'wire')
    const toSsh = match(payload('tcp', 'dport'), 22)
    expect(fate(input([toSsh, RESET]), ssh)).toBe('open')
    expect(fate(input([toSsh, { counter: { packets: 0, bytes: 0 } }, RESET]), ssh)).toBe('drop')
    expect(fate(input([match(meta('nfproto'), 'ipv4'), toSsh, RESET]), ssh)).toBe('drop')
    expect(removableStatefulRules([input([states('established'), toSsh, RESET])])).toMatchObject({
      why: expect.stringMatching(/be put back as it is/),
    })
  })

  test('a rule that only counts new connections counts them all', () => {
    const rules = input([states('new'), { counter: { packets: 0, bytes: 0 } }])
    expect(answer(rules, udp)).toBe('holds')
    expect(answer(rules, { ...udp, state: { is: 'UNTRACKED' } })).toBe('never')
  })
})

/** How the first rule answers: for every such packet alike, or not. */
function answer(rules: LiveRules, packet: Packet): 'holds' | 'never' | 'open' | 'unsure' {
  const question = ask(rules)
  const node = listed(question, rules, packet)
  if (question.decisions.variablesOf(node).length > 0) return 'open'
  const value = question.decisions.valueAt(node, new Map())
  return value === 'yes' ? 'holds' : value === 'no' ? 'never' : 'unsure'
}

function ask(rules: LiveRules) {
  return questionFor(rules.rules.family, [rules], { ports: [22, 53], budget: 100_000 })
}

function listed(question: ReturnType<typeof ask>, { rules }: LiveRules, packet: Packet) {
  const [rule] = rules.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules))
  if (rule === undefined) throw new Error('no rule')
  return ruleMatches(question, packet, rule, 'the rule')
}
