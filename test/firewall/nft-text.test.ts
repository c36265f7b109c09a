import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NftRule, NftStatement } from '../../src/firewall/nft-ruleset.ts'
import { expressionText, ruleText, statementText } from '../../src/firewall/nft-text.ts'
import type { Json } from '../../src/model/json.ts'
import { corpus, NO_CORPUS } from './corpus.ts'
import { vectorsIn } from './nft-vectors.ts'

// What a kernel with these features lists is compared in nft-kernel.test.ts; here is what it may lack, and what is refused.

const match = (left: Json, right: Json, op = '=='): NftStatement => ({ match: { op, left, right } })
const IIFNAME = { meta: { key: 'iifname' } }
const FLAGS = { payload: { protocol: 'tcp', field: 'flags' } }
const rule = (more: Partial<NftRule>): NftRule => ({
  family: 'inet',
  handle: 7,
  comment: null,
  statements: [{ accept: null }],
  rest: {},
  ...more,
})

describe('a statement reads as nft 1.0.6 prints it', () => {
  const cases: readonly [text: string, statement: NftStatement][] = [
    ['flow add @fast', { flow: { op: 'add', flowtable: '@fast' } }],
    ['queue to 3', { queue: { num: 3 } }],
    ['queue flags bypass,fanout to 0-3', { queue: { num: { range: [0, 3] }, flags: ['bypass', 'fanout'] } }],
    ['queue to numgen inc mod 3', { queue: { num: { numgen: { mode: 'inc', mod: 3, offset: 0 } } } }],
    ['fwd to "eth0"', { fwd: { dev: 'eth0' } }],
    ['fwd ip to 192.0.2.1 device "eth0"', { fwd: { dev: 'eth0', family: 'ip', addr: '192.0.2.1' } }],
    ['dup to 192.0.2.1 device "eth0"', { dup: { addr: '192.0.2.1', dev: 'eth0' } }],
    [
      'synproxy mss 1460 wscale 7 timestamp sack-perm',
      { synproxy: { mss: 1460, wscale: 7, flags: ['timestamp', 'sack-perm'] } },
    ],
    ['synproxy', { synproxy: null }],
    ['synproxy name "s"', { synproxy: 's' }],
    ['ct timeout set "slow"', { 'ct timeout': 'slow' }],
    ['ct expectation set "e"', { 'ct expectation': 'e' }],
    ['meta secmark set "ssh"', { secmark: 'ssh' }],
    ['last', { last: { used: 7 } }],
    ['counter', { counter: { packets: 7, bytes: 8 } }],
    [
      'tcp option maxseg size set rt mtu',
      { mangle: { key: { 'tcp option': { name: 'maxseg', field: 'size' } }, value: { rt: { key: 'mtu' } } } },
    ],
    ['rt ip6 nexthop fd00::1', match({ rt: { key: 'nexthop', family: 'ip6' } }, 'fd00::1')],
    [
      'ipsec out spnum 1 ip saddr 192.0.2.1',
      match({ ipsec: { key: 'saddr', family: 'ip', dir: 'out', spnum: 1 } }, '192.0.2.1'),
    ],
    ['osf ttl skip version "Linux:3.0"', match({ osf: { key: 'version', ttl: 'skip' } }, 'Linux:3.0')],
    ['meta ibrname "br0"', match({ meta: { key: 'ibrname' } }, 'br0')],
    ['meta day 1-5', match({ meta: { key: 'day' } }, { range: ['Monday', 'Friday'] })],
    ['tcp flags syn / fin,syn,rst,ack', match({ '&': [FLAGS, ['fin', 'syn', 'rst', 'ack']] }, 'syn')],
    ['tcp flags & (fin | syn | rst) != syn', match({ '&': [FLAGS, { '|': ['fin', 'syn', 'rst'] }] }, 'syn', '!=')],
    ['tcp flags & syn == syn', match({ '&': [FLAGS, 'syn'] }, 'syn')],
    ['tcp flags ack / syn', match({ '&': [FLAGS, 'syn'] }, 'ack')],
    ['tcp flags == syn', match(FLAGS, 'syn')],
    ['tcp flags syn', match(FLAGS, 'syn', 'in')],
    ['meta length 10000000000000000000000', match({ meta: { key: 'length' } }, '0x21e19e0c9bab2400000')],
  ]
  test.each(cases)('%s', (text, statement) => {
    expect(statementText(statement)).toBe(text)
    expect(ruleText(rule({ statements: [statement, { accept: null }] }))).toBe(`${text} accept`)
  })

  test('the same number is a port, a mark, a class or bits, by what it is compared with', () => {
    const asComparedWith = (left: Json) => statementText(match(left, 22))
    expect(asComparedWith({ payload: { protocol: 'tcp', field: 'dport' } })).toBe('tcp dport 22')
    expect(asComparedWith({ meta: { key: 'mark' } })).toBe('meta mark 0x00000016')
    expect(asComparedWith({ payload: { protocol: 'ether', field: 'type' } })).toBe('ether type 0x0016')
    expect(asComparedWith({ payload: { base: 'th', offset: 16, len: 16 } })).toBe('@th,16,16 0x16')
    expect(expressionText(22)).toBe('22')
  })

  test('reject is short where the family leaves no doubt', () => {
    const reject = { reject: { type: 'icmp', expr: 'port-unreachable' } }
    expect(ruleText(rule({ family: 'ip', statements: [reject] }))).toBe('reject')
    expect(ruleText(rule({ family: 'inet', statements: [reject] }))).toBe('reject with icmp port-unreachable')
    expect(statementText(reject)).toBeNull()
  })

  test('a copy goes to an interface in netdev tables, to an address elsewhere', () => {
    const data = { set: [[1, 'lo']] }
    const dup = { dup: { addr: { map: { key: { meta: { key: 'mark' } }, data } } } }
    expect(ruleText(rule({ family: 'netdev', statements: [dup] }))).toBe('dup to meta mark map { 0x00000001 : "lo" }')
    expect(statementText(dup)).toBeNull()
  })

  test('a comment comes last; the handle and what was counted not at all', () => {
    const statements = [{ counter: { packets: 1, bytes: 2 } }, { drop: null }]
    expect(ruleText(rule({ comment: 'it is so', statements }))).toBe('counter drop comment "it is so"')
  })
})

describe('what cannot be written is null, never something else', () => {
  const cases: readonly [name: string, statement: NftStatement][] = [
    ['an xt statement', { xt: { type: 'match', name: 'multiport' } }],
    ['what nft itself could not print as JSON', { text: 'add @m { ip saddr : ip daddr }' }],
    ['a statement of a later nft', { novelty: null }],
    ['a key that we do not know in one that we know', { limit: { rate: 1, burst: 5, per: 'second', novelty: 1 } }],
    ['a selector that we do not know', match({ novelty: { key: 'x' } }, 1)],
    ['a key of meta that we do not know', match({ meta: { key: 'novelty' } }, 1)],
    ['a key of the prototype', match({ meta: { key: 'constructor' } }, 1)],
    ['a statement of the prototype', { constructor: null }],
    ['an operator that we do not know', match(IIFNAME, 'eth0', '=~')],
    ['a number that JSON has rounded', match({ payload: { base: 'nh', offset: 0, len: 64 } }, 2 ** 60)],
    ['a number below zero', match({ meta: { key: 'mark' } }, -1)],
    ['a range the wrong way round, which nft lists and does not take', match(IIFNAME, { range: [1024, 1023] })],
    [
      'a name in a range, where nft writes its number',
      match({ payload: { protocol: 'arp', field: 'operation' } }, { range: ['request', 'reply'] }),
    ],
    [
      'an address of an old ct key, whose family is lost',
      match({ ct: { key: 'saddr', dir: 'original' } }, '192.0.2.1'),
    ],
    ['a cgroup, whose level is lost', match({ socket: { key: 'cgroupv2' } }, 'a/b')],
    ['half a synproxy, where nft writes a zero', { synproxy: { mss: 1460 } }],
    [
      'a timeout below a second, which is lost',
      { set: { op: 'add', set: '@s', elem: { elem: { val: 1, timeout: 0 } } } },
    ],
    ['an empty set', match(IIFNAME, { set: [] })],
    ['two statements in one', { accept: null, drop: null }],
  ]
  test.each(cases)('%s', (_, statement) => {
    expect(statementText(statement)).toBeNull()
    expect(ruleText(rule({ statements: [{ counter: null }, statement] }))).toBeNull()
  })

  test('a rule without statements', () => {
    expect(ruleText(rule({ statements: [] }))).toBeNull()
  })
})

describe('a name from a host cannot break out of its place', () => {
  const hostile = ['x" accept comment "', 'x\naccept', 'x\u0000', 'x\u001b[2J', 'x\u007f', 'x\u0085', 'x\u2028y']
  test.each(hostile.map((text) => [JSON.stringify(text), text]))('in quotes: %s', (_, text) => {
    expect(statementText(match(IIFNAME, text))).toBeNull()
    expect(statementText({ log: { prefix: text } })).toBeNull()
    expect(statementText({ counter: text })).toBeNull()
    expect(ruleText(rule({ comment: text }))).toBeNull()
  })

  test.each(['a b', 'a;accept', 'a}', '1a', '-a', '$a', '', '"a"', 'ä', 'a#b', 'a\nb'])('bare: %j', (text) => {
    expect(statementText({ jump: { target: text } })).toBeNull()
    expect(statementText(match(IIFNAME, `@${text}`))).toBeNull()
    expect(statementText({ set: { op: 'add', elem: 1, set: `@${text}` } })).toBeNull()
    expect(statementText({ flow: { op: 'add', flowtable: `@${text}` } })).toBeNull()
  })

  test('nft puts variables into the prefix of a log, so that a dollar is refused there and nowhere else', () => {
    expect(statementText({ log: { prefix: 'costs $a' } })).toBeNull()
    expect(ruleText(rule({ comment: 'costs $a' }))).toBe('accept comment "costs $a"')
  })

  test('outside of quotes nothing is written but the letters of words, numbers and what nft puts between them', () => {
    const anywhere = fc.constantFrom<(text: string) => NftStatement>(
      (text) => match(IIFNAME, text),
      (text) => match({ payload: { protocol: 'tcp', field: 'dport' } }, text),
      (text) => match({ payload: { protocol: text, field: 'dport' } }, 1),
      (text) => match({ exthdr: { name: text, field: text } }, 1),
      (text) => match({ ct: { key: 'state' } }, [text, 'new'], 'in'),
      (text) => match({ meta: { key: 'iif' } }, { set: [text, { elem: { val: text, comment: text } }] }),
      (text) => match({ meta: { key: 'mark' } }, { prefix: { addr: text, len: 8 } }),
      (text) => ({ vmap: { key: IIFNAME, data: { set: [[text, { jump: { target: text } }]] } } }),
      (text) => ({ dnat: { family: 'ip', addr: text, port: text } }),
      (text) => ({ reject: { type: 'icmp', expr: text } }),
      (text) => ({ log: { prefix: text, level: text } }),
      (text) => ({ queue: { num: text, flags: [text] } }),
      (text) => ({ limit: { rate: 1, burst: 1, per: text } }),
      (text) => ({ meter: { name: text, size: 1, key: text, stmt: { counter: null } } }),
      (text) => ({ [text]: null }),
    )
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z@0-9.:;"{}$\\\n#-]{1,8}$/))
    fc.assert(
      fc.property(anywhere, texts, (of, text) => {
        const written = statementText(of(text))
        if (written !== null) expect(written.replace(/"[^"\p{Cc}]*"/gu, '')).toMatch(/^[\w .:/@,{}<>=!&|^()[\]*+-]*$/)
      }),
      { numRuns: 5000 },
    )
  })
})

test.skipIf(corpus === null)(
  `nearly all of nftables' own tests can be written${corpus === null ? `: ${NO_CORPUS}` : ''}`,
  () => {
    const vectors = vectorsIn(corpus as string)
    const written = vectors.filter(({ family, expr }) => {
      const statements = JSON.parse(expr) as readonly NftStatement[]
      return ruleText(rule({ family, statements })) !== null
    })
    expect(written.length / vectors.length).toBeGreaterThan(0.95)
  },
)
