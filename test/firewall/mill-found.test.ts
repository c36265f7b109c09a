import { expect, test } from 'vitest'
import { type NotrackPatch, notrackPatch } from '../../src/firewall/notrack.ts'
import type { Service } from '../../src/firewall/packet.ts'
import type { Backend, LiveRules } from '../../src/firewall/rules.ts'
import { live } from './dump.ts'
import { native, states } from './native-dump.ts'

/**
 * What real packets contradicted once: the fewest rules under which a patch that was called safe changed what they met, and
 * what is said of those rules since.
 */
const TCP = { protocol: 'tcp', port: 8080 } as const
const UDP = { protocol: 'udp', port: 8080 } as const
const ELSEWHERE = { ...TCP, forwarded: true } as const

test('a reset that refuses an untracked packet is INVALID, and must leave all the same', () => {
  const rules = live(`
    filter INPUT DROP
    -p tcp -j REJECT --reject-with tcp-reset
    filter OUTPUT ACCEPT
    -m state --state INVALID -j DROP`)
  expect(outcome([rules], TCP)).toEqual([
    'filter OUTPUT -p tcp -m tcp --sport 8080 -m conntrack --ctstate INVALID -j ACCEPT',
  ])
})

test('what was dropped in silence is not refused by the next rule', () => {
  const rules = live(`
    filter INPUT ACCEPT
    -i eth0 -p tcp -m tcp --dport 8080 -m conntrack --ctstate NEW -j IN
    -p tcp -j REJECT --reject-with tcp-reset
    filter IN
    -j DROP`)
  expect(outcome([rules], TCP)).toEqual([
    'filter INPUT -i eth0 -p tcp -m tcp --dport 8080 -m conntrack --ctstate UNTRACKED -j IN',
  ])
})

test('an error about a packet of UDP that nobody tracks is let in', () => {
  const rules = live(`
    filter INPUT ACCEPT
    -m state --state INVALID -j DROP
    raw PREROUTING ACCEPT
    -p udp -m udp ! --dport 8999 -j CT --notrack`)
  expect(outcome([rules], UDP)).toEqual(
    [3, 11, 12].map(
      (type) => `filter INPUT -p icmp -m icmp --icmp-type ${type} -m conntrack --ctstate INVALID -j ACCEPT`,
    ),
  )
})

test('what the host itself sends from the port over UDP, though nothing answers', () => {
  const rules = live(`
    filter INPUT DROP
    -p icmp -j ACCEPT
    filter OUTPUT DROP
    -p udp -m udp --sport 1024:65535 -m state ! --state NEW -j ACCEPT`)
  expect(outcome([rules], UDP)).toEqual([
    'refused: udp port 8080: first packets of the host itself from port 8080 that are dropped now would pass: filter: policy of OUTPUT',
  ])
})

test('a rule with two addresses for one side has no twin, and no words that iptables refuses', () => {
  const rules = live(`
    filter INPUT DROP
    -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -p tcp -m tcp --dport 8080 -m conntrack --ctstate NEW --ctorigsrc 198.18.0.0/15 --ctrepldst 198.18.1.0/24 -j ACCEPT
    filter OUTPUT ACCEPT`)
  expect(outcome([rules], TCP)).toEqual([
    'refused: tcp port 8080: connections from outside that pass now would be dropped: filter: policy of INPUT',
  ])
})

test('a redirection to the port, from whatever port', () => {
  const rules = live(`
    nat PREROUTING ACCEPT
    -p tcp -m tcp --dport 8081 -j REDIRECT --to-ports 8080`)
  expect(outcome([rules], TCP)).toEqual([
    'refused: tcp port 8080: its packets may be translated, and untracked packets never are: nat: -A PREROUTING -p tcp -m tcp --dport 8081 -j REDIRECT --to-ports 8080',
  ])
})

test('of two rule sets at one place either may come first, and refuse before the other drops', () => {
  const dropping = live(
    'filter INPUT DROP\n-p tcp -m tcp --dport 8080 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT',
    'nft',
  )
  const refusing = live('filter INPUT ACCEPT\n-p tcp -j REJECT --reject-with tcp-reset', 'legacy')
  const twin = ['filter INPUT -p tcp -m tcp --dport 8080 -m conntrack --ctstate UNTRACKED -j ACCEPT']
  expect(outcome([refusing, dropping], TCP)).toEqual(twin)
  expect(outcome([dropping, refusing], TCP)).toEqual(twin)
})

test("who takes another host's port for its own does not come past a redirection", () => {
  const rules = live(`
    nat PREROUTING ACCEPT
    -p tcp -m tcp --dport 8081 -j REDIRECT --to-ports 8081`)
  expect(outcome([rules], ELSEWHERE)).toEqual([
    'refused: tcp port 8080 of other hosts: what others send from that port may be translated, and would no longer be: nat: -A PREROUTING -p tcp -m tcp --dport 8081 -j REDIRECT --to-ports 8081',
  ])
})

test('nor is it refused where it was dropped in silence', () => {
  const rules = live(`
    mangle PREROUTING ACCEPT
    -m conntrack --ctstate NEW -j DROP
    filter FORWARD ACCEPT
    -p tcp -j REJECT --reject-with tcp-reset`)
  expect(outcome([rules], ELSEWHERE)).toEqual([
    'mangle PREROUTING -p tcp -m tcp --dport 8080 -m conntrack --ctstate UNTRACKED -j DROP',
    'mangle PREROUTING -p tcp -m tcp --sport 8080 --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j DROP',
  ])
})

test('rules before tracking that take some packets of a flow and leave others', () => {
  const rules = live(`
    raw OUTPUT ACCEPT
    -p tcp -m tcp ! --dport 8080 --tcp-flags ACK ACK -j CT --notrack
    filter INPUT ACCEPT
    -m conntrack --ctstate INVALID -j DROP`)
  expect(outcome([rules], TCP)).toEqual([
    'refused: tcp port 8080: connections from outside pass or not by a rule whose answer cannot be foretold: raw: -A OUTPUT -p tcp -m tcp ! --dport 8080 --tcp-flags ACK ACK -j CT --notrack',
  ])
})

test('a connection that begins and is refused then is still told so', () => {
  const rules = live(`
    filter INPUT ACCEPT
    -p tcp -m tcp --dport 8080 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
    -p tcp -j REJECT --reject-with tcp-reset
    filter OUTPUT ACCEPT
    -m state --state INVALID -j DROP`)
  expect(outcome([rules], TCP)).toEqual([
    'filter OUTPUT -p tcp -m tcp --sport 8080 -m conntrack --ctstate INVALID -j ACCEPT',
  ])
})

test('an answer belongs to a connection that began at the other end', () => {
  const rules = live(`
    filter INPUT DROP
    -s 198.18.1.2/32 -p udp -m udp --dport 8080 -m conntrack --ctorigdstport 8080 -j ACCEPT`)
  expect(outcome([rules], UDP)).toEqual([
    'refused: udp port 8080: answers to what the host itself sends from port 8080 that are dropped now would pass: filter: policy of INPUT',
  ])
})

test("a twin is written in nft's words or not at all", () => {
  const input = { at: 'input 0', rules: [[states('new'), { reject: { type: 'icmp', expr: 'port-unreachable' } }]] }
  const rules = native([{ name: 'ip filter', chains: { input } }], 'ip')
  expect(outcome(rules, TCP, 'native').join()).not.toContain('{"')
})

/** The rules that come beside those of the raw table, or the refusal. */
function outcome(rules: readonly LiveRules[], service: Service, backend: Backend = 'legacy'): readonly string[] {
  const patch: NotrackPatch = notrackPatch(rules, [service], { families: ['ip'], backend })
  if (!patch.safe) return [`refused: ${patch.why}: ${patch.rule}`]
  return patch.edits
    .filter(({ table }) => table !== 'raw' && table !== 'inet ctfleet')
    .map(({ table, chain, spec }) => `${table} ${chain} ${spec.replace(/ -m comment --comment "[^"]*"/, '')}`)
}
