import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decidedBy } from '../../src/firewall/decider.ts'
import { fate, questionFor } from '../../src/firewall/evaluate.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { type Packet, request, STATES } from '../../src/firewall/packet.ts'
import { chainOf, type Family, type LiveRules, type Test } from '../../src/firewall/rules.ts'
import { removableStatefulRules, statefulRules } from '../../src/firewall/stateful.ts'
import type { Json } from '../../src/model/json.ts'
import { firewall } from '../../src/steps/firewall.ts'
import { live } from './dump.ts'
import {
  accept,
  ct,
  drop,
  jump,
  match,
  meta,
  type NativeTable,
  native,
  nativeReading,
  payload,
  port,
  states,
} from './native-dump.ts'

const WEB = { protocol: 'tcp', port: 80 } as const
const SADDR = payload('ip', 'saddr')
const DPORT = payload('tcp', 'dport')
const FLAGS = payload('tcp', 'flags')
const prefix = (addr: string, len: number): Json => ({ prefix: { addr, len } })
const range = (from: Json, to: Json): Json => ({ range: [from, to] })

describe('what a statement means', () => {
  const ALL = 'NEW,ESTABLISHED,RELATED,INVALID,UNTRACKED'
  const cases: readonly (readonly [title: string, statements: readonly Json[], means: readonly string[]])[] = [
    ['an address', [match(SADDR, '10.0.0.1'), accept], ['nfproto=ipv4 source=10.0.0.1 → accept']],
    [
      'prefixes and ranges in a set, negated',
      [match(SADDR, { set: [prefix('10.0.0.0', 8), range('192.0.2.1', '192.0.2.9')] }, '!='), drop],
      ['nfproto=ipv4 !source=10.0.0.0/8,192.0.2.1-192.0.2.9 → drop'],
    ],
    [
      'a named set of addresses',
      [match(payload('ip6', 'daddr'), '@friends', '!='), drop],
      ['nfproto=ipv6 !match-set=inet t @friends dst → drop'],
    ],
    [
      'a named set of ports',
      [match(DPORT, '@web'), accept],
      ['protocol=tcp match-set=inet t @web tcp dport, → accept'],
    ],
    [
      'a named set of interfaces',
      [match(meta('iifname'), '@lans'), accept],
      ['match-set=inet t @lans iifname, → accept'],
    ],
    [
      'a pair in a named set',
      [match({ concat: [SADDR, DPORT] }, '@may'), accept],
      ['nfproto=ipv4 protocol=tcp match-set=inet t @may ip saddr . tcp dport, → accept'],
    ],
    [
      'a pair in a set: later pieces of a datagram have no port',
      [match({ concat: [SADDR, DPORT] }, { set: [{ concat: ['10.0.0.1', 80] }] }), accept],
      ['nfproto=ipv4 protocol=tcp portset → accept'],
    ],
    ['ports', [port({ set: [22, range(80, 90)] }), accept], ['protocol=tcp dport=22,80:90 → accept']],
    ['ports from one on', [match(DPORT, 1024, '>='), accept], ['protocol=tcp dport=1024:65535 → accept']],
    ['interfaces by prefix', [match(meta('iifname'), 'eth*', '!='), drop], ['!in=eth+ → drop']],
    ['an interface named like a pattern of iptables', [match(meta('iifname'), 'a+'), drop], ['flow → drop']],
    ['a protocol', [match(meta('l4proto'), { set: ['tcp', 'udp'] }), accept], ['protocol=tcp udp → accept']],
    ['a range of protocols is none by name', [match(meta('l4proto'), range(1, 10)), accept], ['flow → accept']],
    ['a family', [match(meta('nfproto'), 'ipv6'), accept], ['nfproto=ipv6 → accept']],
    [
      'the protocol by the header of IPv4',
      [match(payload('ip', 'protocol'), 'tcp'), accept],
      ['nfproto=ipv4 protocol=tcp → accept'],
    ],
    [
      'flags, one of which is there',
      [match(FLAGS, ['syn', 'fin'], 'in'), drop],
      ['protocol=tcp any-flag=syn,fin → drop'],
    ],
    ['flags, none of which is there', [match(FLAGS, 'syn', '!'), drop], ['protocol=tcp !any-flag=syn → drop']],
    [
      'flags under a mask',
      [match({ '&': [FLAGS, { '|': ['fin', 'syn', 'rst', 'ack'] }] }, 'syn', '!='), drop],
      ['protocol=tcp !tcp-flags=fin,syn,rst,ack syn → drop'],
    ],
    ['a state', [states('new'), accept], ['ctstate=NEW → accept']],
    ['one of some states', [states('established', 'related'), accept], ['ctstate=ESTABLISHED,RELATED → accept']],
    [
      'none of some states',
      [match(ct('state'), { set: ['new', 'invalid'] }, '!='), drop],
      ['!ctstate=NEW,INVALID → drop'],
    ],
    ['none of their bits', [match(ct('state'), ['new', 'invalid'], '!'), drop], ['!ctstate=NEW,INVALID → drop']],
    [
      'not two states at once: all',
      [match(ct('state'), { '|': ['new', 'invalid'] }, '!='), drop],
      [`ctstate=${ALL} → drop`],
    ],
    [
      'a state in a named set: not known',
      [match(ct('state'), '@s'), drop],
      [`ctstate=${ALL} expression=ct state @s → drop`],
    ],
    ['a translated connection', [match(ct('status'), 'dnat', 'in'), accept], ['ctstate=DNAT → accept']],
    ['a direction', [match(ct('direction'), 'reply'), accept], ['ctdir=reply → accept']],
    [
      'where a connection began',
      [match(ct('ip saddr', 'original'), '10.0.0.1'), accept],
      ['ctorigsrc=10.0.0.1 → accept'],
    ],
    ['a mark of a connection', [match(ct('mark'), 5), accept], ['ct → accept']],
    [
      'an own address',
      [match({ fib: { result: 'type', flags: ['daddr'] } }, 'local'), accept],
      ['fib-destination=LOCAL → accept'],
    ],
    ['the way back', [match({ fib: { result: 'oif', flags: ['saddr', 'iif'] } }, false), drop], ['flow → drop']],
    [
      'types of ICMP',
      [match(payload('icmp', 'type'), { set: ['echo-request', 'redirect'] }), accept],
      ['nfproto=ipv4 protocol=icmp icmp-type=echo-request redirect → accept'],
    ],
    ['a limit', [{ limit: { rate: 5, burst: 5, per: 'second' } }, accept], ['limit → accept']],
    ['a quota', [{ quota: { val: 5, val_unit: 'mbytes' } }, accept], ['quota → accept']],
    ['so many connections', [{ 'ct count': { val: 5, inv: true } }, drop], ['ct count → drop']],
    [
      'an element that is added',
      [{ set: { op: 'add', elem: SADDR, set: '@seen' } }, accept],
      ['→ set', 'table=inet t → accept'],
    ],
    ['counted and logged, no more', [{ counter: { packets: 1, bytes: 2 } }, { log: { prefix: 'a' } }], ['→']],
    ['a mark', [{ mangle: { key: meta('mark'), value: 1 } }], ['→ mark']],
    [
      "a connection's mark put on the packet needs the connection",
      [{ mangle: { key: meta('mark'), value: ct('mark') } }],
      ['→ mark', 'ct →'],
    ],
    ['a mark put on a connection', [{ mangle: { key: ct('mark'), value: 1 } }], ['→ connmark']],
    ['a header changed that nothing goes by', [{ mangle: { key: payload('ip', 'dscp'), value: 'cs1' } }], ['→ mark']],
    ['an address changed', [{ mangle: { key: payload('ip', 'daddr'), value: '10.0.0.1' } }], ['→ unknown']],
    ['left untracked', [port(80), { notrack: null }], ['protocol=tcp dport=80 → notrack']],
    ['a helper', [port(21), { 'ct helper': 'ftp' }], ['protocol=tcp dport=21 → ct']],
    ['offloaded', [{ flow: { op: 'add', flowtable: '@f' } }], ['→ flow']],
    [
      'an answer by ICMP, in a table of both families',
      [{ reject: { type: 'icmp', expr: 'port-unreachable' } }],
      ['nfproto=ipv4 → reject'],
    ],
    ['an answer by either', [{ reject: { type: 'icmpx', expr: 'port-unreachable' } }], ['→ reject']],
    ['a jump and a goto', [port(80), jump('a', 'goto')], ['protocol=tcp dport=80 → goto a']],
    [
      'a verdict map, with a rest',
      [
        {
          vmap: {
            key: DPORT,
            data: {
              set: [
                [22, accept],
                [range(80, 81), jump('a')],
                ['*', drop],
              ],
            },
          },
        },
      ],
      ['protocol=tcp dport=22 → accept', 'protocol=tcp dport=80:81 → a', 'protocol=tcp !dport=22,80:81 → drop'],
    ],
    [
      'a verdict map of states',
      [
        {
          vmap: {
            key: ct('state'),
            data: {
              set: [
                ['new', jump('a', 'goto')],
                ['*', drop],
              ],
            },
          },
        },
      ],
      ['ctstate=NEW → goto a', '!ctstate=NEW → drop'],
    ],
    ['a verdict map by name', [{ vmap: { key: DPORT, data: '@ports' } }], ['protocol=tcp dport=22 → accept']],
    ['a verdict map that comes and goes', [{ vmap: { key: ct('mark'), data: '@gone' } }], ['→ unknown', 'ct →']],
    ['rules of iptables in nft', [{ xt: { type: 'match', name: 'conntrack' } }], ['→ xt']],
    ['a queue, to a proxy', [{ queue: { num: 1 } }], ['→ unknown']],
    ['a statement that nobody knows', [{ teleport: { to: 'moon' } }], ['→ unknown']],
    ['an expression that nobody knows', [match({ aura: { key: 'hue' } }, 5), accept], ['unknown → accept']],
  ]
  const sets: readonly Json[] = [{ map: 'verdict', name: 'ports', type: 'inet_service', elem: [[22, accept]] }]
  test.each(cases)('%s', (_title, statements, means) => {
    const [live] = native([{ name: 'inet t', chains: { c: { rules: [statements] } }, sets }], 'ip')
    const rules = chainOf((live as LiveRules).rules, 'inet t', 'c')?.rules ?? []
    const asked = (test: Test) => `${test.negated ? '!' : ''}${test.option}=${test.values.join(' ')}`
    expect(
      rules.map(({ matches, target }) => {
        const words = matches.flatMap(({ name, tests }) => (tests.length === 0 ? [name] : [tests.map(asked).join(' ')]))
        const to = target === null ? [] : [`${target.goto ? 'goto ' : ''}${target.name}`]
        return [...words, '→', ...to].join(' ')
      }),
    ).toEqual(means)
  })
})

describe('the fate of packets', () => {
  const input = (rules: readonly (readonly Json[])[], at = 'input 0 drop'): NativeTable => ({
    name: 'inet filter',
    chains: { input: { at, rules }, web: { rules: [[port(80), accept]] } },
  })

  test('a rule about addresses of one family never meets the other', () => {
    const tables = [input([[match(SADDR, '0.0.0.0', '!='), port(80), accept]])]
    expect(fates(tables, 'ip', 'NEW')).toEqual(['accept', 'drop'])
    expect(fates(tables, 'ip6', 'NEW')).toEqual(['drop'])
  })

  test('an answer by ICMP leaves packets of the other family to the next rule', () => {
    const tables = [input([[{ reject: { type: 'icmp', expr: 'port-unreachable' } }], [accept]])]
    expect(fates(tables, 'ip', 'NEW')).toEqual(['drop'])
    expect(fates(tables, 'ip6', 'NEW')).toEqual(['accept'])
  })

  test('who lacks what a verdict map asks about is not among its rest', () => {
    const tables = [input([[{ vmap: { key: payload('udp', 'dport'), data: { set: [['*', drop]] } } }], [accept]])]
    expect(
      fates(
        [
          input([
            [
              {
                vmap: {
                  key: payload('udp', 'dport'),
                  data: {
                    set: [
                      [53, accept],
                      ['*', drop],
                    ],
                  },
                },
              },
            ],
            [accept],
          ]),
        ],
        'ip',
        'NEW',
      ),
    ).toEqual(['accept'])
    expect(fates(tables, 'ip', 'NEW')).toEqual(['unsure'])
  })

  test('each state goes its own way through a verdict map, and untracked ones past it', () => {
    const elements = [
      ['established', accept],
      ['invalid', drop],
      ['new', jump('web')],
    ]
    const tables = [input([[{ vmap: { key: ct('state'), data: { set: elements } } }]])]
    expect(STATES.map((state) => [state, ...fates(tables, 'ip', state)])).toEqual([
      ['NEW', 'accept'],
      ['ESTABLISHED', 'accept'],
      ['RELATED', 'drop'],
      ['INVALID', 'drop'],
      ['UNTRACKED', 'drop'],
    ])
  })

  test('an accept in an early chain does not save from a later one', () => {
    const early: NativeTable = { name: 'ip early', chains: { a: { at: 'input -10 accept', rules: [[accept]] } } }
    const late: NativeTable = { name: 'inet late', chains: { a: { at: 'input 10 accept', rules: [[port(80), drop]] } } }
    expect(fates([late, early], 'ip', 'NEW')).toEqual(['drop'])
  })

  test('chains by their hooks: prerouting and input are met, output and forward are not', () => {
    const at = (hook: string) => [{ name: 'inet t', chains: { c: { at: `${hook} 0 drop`, rules: [] } } }]
    expect(
      ['prerouting', 'input', 'output', 'forward', 'postrouting'].map((hook) => fates(at(hook), 'ip', 'NEW')[0]),
    ).toEqual(['drop', 'drop', 'accept', 'accept', 'accept'])
  })

  test('a dormant table lets all through, and its stateful rules hold tracking all the same', () => {
    const asleep: NativeTable = { ...input([[states('new'), drop]]), flags: ['dormant'] }
    expect(fates([asleep], 'ip', 'NEW')).toEqual(['accept'])
    expect(statefulRules(native([asleep])).length).toBe(1)
  })

  test('a chain that leads back to itself is unsure', () => {
    expect(
      fates([{ name: 'inet t', chains: { c: { at: 'input 0 accept', rules: [[jump('c')]] } } }], 'ip', 'NEW'),
    ).toEqual(['unsure'])
  })

  test('a set that rules write answers by chance, one that they only read does not', () => {
    const asks = [match({ concat: [SADDR, DPORT] }, '@s'), accept]
    const volatile = (tables: readonly NativeTable[]) => {
      const live = native(tables, 'ip')
      const question = questionFor('ip', live, { ports: [80], budget: 1000 })
      const node = fate(question, live, request('ip', WEB, 'wire'))
      return question.decisions.variablesOf(node).some(({ volatile }) => volatile !== null)
    }
    expect(volatile([input([asks])])).toBe(false)
    expect(volatile([input([asks, [port(22), { set: { op: 'add', elem: SADDR, set: '@s' } }]])])).toBe(true)
  })
})

describe('what cannot be judged, and why', () => {
  const chain = (at: string, rules: readonly (readonly Json[])[] = [[states('new'), drop]]) => ({ c: { at, rules } })
  test.each<[string, readonly NativeTable[], RegExp]>([
    [
      'the place of tracking itself',
      [{ name: 'inet t', chains: chain('prerouting -200 accept') }],
      /inet t c stands at the very place/,
    ],
    [
      'states in a bridge',
      [{ name: 'bridge b', chains: chain('forward 0 accept') }],
      /bridge b c looks at connections/,
    ],
    ['states on a device', [{ name: 'inet t', chains: chain('ingress 0 accept') }], /inet t c looks at connections/],
    ['a hook that nobody knows', [{ name: 'inet t', chains: chain('teleport 0 accept') }], /stands at hook teleport/],
    [
      'a table that belongs to a program',
      [{ name: 'inet t', chains: {}, flags: ['owner'] }],
      /inet t belongs to a program/,
    ],
    ['flags that nft prints wrongly', [{ name: 'inet t', chains: {}, flags: ['t'] }], /has the flag "t"/],
    [
      'a comment of two lines',
      [{ name: 'inet t', chains: { c: { rules: [[{ log: { prefix: 'a\nb' } }]] } } }],
      /several lines/,
    ],
    ...['filter; drop table inet x', 'a b', 'a"b', "a'b", 'a\u0007b', '$(reboot)', '', '-a'].flatMap(
      (name): [string, readonly NativeTable[], RegExp][] => [
        [
          `a table by the name of ${JSON.stringify(name)}`,
          [{ name: `inet ${name}`, chains: {} }],
          /by the name of .*cannot be asked for/,
        ],
        [
          `a chain by the name of ${JSON.stringify(name)}`,
          [{ name: 'inet t', chains: { [name]: { rules: [] } } }],
          /by the name of .*cannot be asked for/,
        ],
      ],
    ),
  ])('%s', (_title, tables, why) => {
    expect(nativeReading(tables)).toEqual({ known: false, why: expect.stringMatching(why) })
  })

  test('of bridges and devices, rules that ask for no connection are nobody’s business', () => {
    const tables = [
      { name: 'bridge b', chains: chain('forward 0 drop', [[drop]]) },
      { name: 'inet t', chains: chain('ingress 0 accept', [[drop]]) },
    ]
    expect(fates(tables, 'ip', 'NEW')).toEqual(['accept'])
  })
})

type Concrete = { readonly client: bigint; readonly iface: string; readonly state: string }

describe('a law', () => {
  const MATCHES: readonly (readonly [statement: Json | null, holds: (packet: Concrete) => boolean])[] = [
    [match(SADDR, prefix('10.0.0.0', 8)), ({ client }) => client >> 24n === 10n],
    [
      match(SADDR, { set: [prefix('10.1.0.0', 16), '192.0.2.1'] }, '!='),
      ({ client }) => client >> 16n !== 0x0a01n && client !== 0xc0000201n,
    ],
    [match(payload('ip6', 'saddr'), '::1', '!='), () => false],
    [match(meta('iifname'), 'eth0'), ({ iface }) => iface === 'eth0'],
    [match(meta('iifname'), { set: ['eth*', 'wan'] }), ({ iface }) => iface.startsWith('eth') || iface === 'wan'],
    [port({ set: [22, range(79, 81)] }), () => true],
    [port(range(1, 79), 'dport'), () => false],
    [match(payload('udp', 'dport'), 80, '!='), () => false],
    [match(payload('th', 'dport'), 80, '>='), () => true],
    [states('new', 'related'), ({ state }) => state === 'NEW' || state === 'RELATED'],
    [match(ct('state'), 'invalid', '!='), ({ state }) => state !== 'INVALID'],
    [
      match(ct('state'), { set: ['established', 'untracked'] }),
      ({ state }) => state === 'ESTABLISHED' || state === 'UNTRACKED',
    ],
    [match(FLAGS, 'syn', '!='), () => false],
    [match(meta('nfproto'), 'ipv4'), () => true],
    [null, () => true],
  ]
  type Verdict = {
    readonly statement: Json | null
    readonly chains: readonly (readonly [when: (packet: Concrete) => boolean, to: string])[]
  }
  const plain = (statement: Json | null, to: string): Verdict => ({ statement, chains: [[() => true, to]] })
  const VERDICTS: readonly Verdict[] = [
    plain(accept, 'accept'),
    plain(drop, 'drop'),
    plain({ return: null }, 'return'),
    plain({ reject: null }, 'drop'),
    plain({ reject: { type: 'icmpv6', expr: 'no-route' } }, 'on'),
    plain({ log: { prefix: 'x' } }, 'on'),
    plain(null, 'on'),
    ...['a', 'b'].flatMap((name) => [plain(jump(name), `jump ${name}`), plain(jump(name, 'goto'), `goto ${name}`)]),
    {
      statement: {
        vmap: {
          key: ct('state'),
          data: {
            set: [
              ['new', jump('b')],
              ['invalid', drop],
              ['*', accept],
            ],
          },
        },
      },
      chains: [
        [({ state }) => state === 'NEW', 'jump b'],
        [({ state }) => state === 'INVALID', 'drop'],
        [() => true, 'accept'],
      ],
    },
    {
      statement: {
        vmap: {
          key: SADDR,
          data: {
            set: [
              [prefix('10.0.0.0', 9), drop],
              [prefix('10.128.0.0', 9), { return: null }],
            ],
          },
        },
      },
      chains: [
        [({ client }) => client >> 23n === 20n, 'drop'],
        [({ client }) => client >> 23n === 21n, 'return'],
        [() => true, 'on'],
      ],
    },
  ]
  type Written = { readonly asked: readonly number[]; readonly verdict: number }
  const leadsTo = (verdict: Verdict) => verdict.chains.map(([, to]) => to.split(' ')[1])
  /** A base chain may lead to a and b, a to b, b to none: loops cannot be loaded. */
  const chain = (never: readonly string[]) => {
    const allowed = VERDICTS.flatMap((verdict, at) =>
      leadsTo(verdict).some((to) => never.includes(to ?? '')) ? [] : [at],
    )
    const rule: fc.Arbitrary<Written> = fc.record({
      // nft 1.0.6 lists a negated test that stands twice in another meaning: such a rule is open.
      asked: fc.uniqueArray(fc.nat(MATCHES.length - 1), { maxLength: 2 }),
      verdict: fc.constantFrom(...allowed),
    })
    return fc.array(rule, { maxLength: 4 })
  }
  const ruleSet = fc.record({
    first: fc.constantFrom('accept', 'drop'),
    second: fc.constantFrom('accept', 'drop'),
    early: chain([]),
    late: chain([]),
    a: chain(['a']),
    b: chain(['a', 'b']),
  })

  test('the fate of every packet is what a rule-by-rule walk says', () => {
    fc.assert(
      fc.property(ruleSet, ({ first, second, ...chains }) => {
        const rules = (name: keyof typeof chains) => chains[name].map(statementsOf)
        // What comes first in the listing comes last in the kernel.
        const tables: readonly NativeTable[] = [
          {
            name: 'inet t',
            chains: {
              late: { at: `input 5 ${second}`, rules: rules('late') },
              early: { at: `prerouting -150 ${first}`, rules: rules('early') },
              a: { rules: rules('a') },
              b: { rules: rules('b') },
            },
          },
        ]
        const [live] = native(tables, 'ip') as [LiveRules]
        const question = questionFor('ip', [live], { ports: [80], budget: 20_000 })
        for (const state of STATES) {
          const packet: Packet = { ...request('ip', WEB, 'wire'), state: { is: state } }
          const node = fate(question, [live], packet)
          for (const [client, address] of question.space.addresses.entries()) {
            for (const [cell, pattern] of question.space.interfaces.entries()) {
              const at = new Map([
                ['client', client],
                ['in', cell],
              ])
              const concrete = { client: address, iface: pattern.replace('+', 'x9'), state }
              const walked =
                walk(chains, 'early', first, concrete) === 'drop' ? 'drop' : walk(chains, 'late', second, concrete)
              const told = question.decisions.valueAt(node, at)
              expect(told).toBe(walked)
              expect(decidedBy(question, [live], packet, at).end).toBe(told)
            }
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  function statementsOf({ asked, verdict }: Written): readonly Json[] {
    const matches = asked.flatMap((at) => MATCHES[at]?.[0] ?? [])
    return [
      ...matches,
      ...(VERDICTS[verdict]?.statement == null
        ? [{ counter: { packets: 0, bytes: 0 } }]
        : [VERDICTS[verdict].statement]),
    ]
  }

  /** What the kernel does, one rule after the other, for one packet. */
  function walk(
    chains: { readonly [name: string]: readonly Written[] },
    from: string,
    policy: string,
    packet: Concrete,
  ): string {
    const through = (name: string): string => {
      for (const { asked, verdict } of chains[name] ?? []) {
        if (!asked.every((at) => MATCHES[at]?.[1](packet))) continue
        const [to = '', where = ''] = (VERDICTS[verdict]?.chains.find(([when]) => when(packet))?.[1] ?? 'on').split(' ')
        if (to === 'on') continue
        if (to === 'return') return 'back'
        if (to !== 'jump' && to !== 'goto') return to
        const end = through(where)
        if (end !== 'back' || to === 'goto') return end
      }
      return 'back'
    }
    const end = through(from)
    return end === 'back' ? policy : end
  }
})

describe('a patch', () => {
  const ANSWERS = [states('established', 'related'), accept]
  const patchOf = (tables: readonly NativeTable[], families: readonly Family[] = ['ip', 'ip6']) => {
    const patch = notrackPatch(native(tables), [WEB], { families, backend: 'native' })
    if (!patch.safe) return `${patch.why}: ${patch.rule}`
    return patch.edits.map(
      ({ table, chain, after, spec }) => `${table} ${chain} ${after ?? '^'}: ${spec.replace(/ comment .*/, '')}`,
    )
  }
  const filter = (name: string, rules: readonly (readonly Json[])[]): NativeTable => ({
    name,
    chains: { input: { at: 'input 0 drop', rules }, web: { rules: [[port({ set: [80, 443] }), accept]] } },
  })
  const RAW = [
    'inet ctfleet output ^: fib saddr type local tcp sport 80 notrack',
    'inet ctfleet output ^: oifname "lo" tcp dport 80 notrack',
    'inet ctfleet prerouting ^: fib daddr type local tcp dport 80 notrack',
    'inet ctfleet prerouting ^: iifname "lo" tcp sport 80 notrack',
  ]
  const icmp = [match(meta('l4proto'), { set: ['icmp', 'ipv6-icmp'] }), accept]
  const lo = [match(meta('iifname'), 'lo'), accept]

  test('one rule serves both families in one table; each lies below the rule that it stands for', () => {
    const edits = patchOf([filter('inet filter', [lo, icmp, ANSWERS, [states('new'), port(80), accept]])])
    expect(edits).toEqual(['inet filter input 4: tcp dport 80 ct state untracked accept', ...RAW])
  })

  test('tables of either family get one each, and a family that is closed none', () => {
    const rules = [lo, icmp, ANSWERS, [states('new'), port(80), accept]]
    expect(patchOf([filter('ip filter', rules), filter('ip6 filter', rules)])).toEqual([
      'ip filter input 4: tcp dport 80 ct state untracked accept',
      'ip6 filter input 9: tcp dport 80 ct state untracked accept',
      ...RAW,
    ])
    expect(patchOf([filter('ip filter', rules), filter('ip6 filter', [lo, icmp, ANSWERS])])).toEqual([
      'ip filter input 4: tcp dport 80 ct state untracked accept',
      ...RAW,
    ])
  })

  test('a verdict map of states is one rule: the twin stands below all of it, and takes the same way', () => {
    const map = {
      vmap: {
        key: ct('state'),
        data: {
          set: [
            ['established', accept],
            ['related', accept],
            ['new', jump('web')],
          ],
        },
      },
    }
    expect(patchOf([filter('inet filter', [lo, icmp, [map], [drop]])])).toEqual([
      'inet filter input 3: tcp dport 80 ct state untracked jump web',
      ...RAW,
    ])
  })

  test('a rule for one family, said by its protocol’s header alone, has a twin for that family alone', () => {
    const v4 = match(payload('ip', 'protocol'), { set: ['tcp', 'udp'] })
    expect(patchOf([filter('inet filter', [lo, icmp, ANSWERS, [v4, states('new'), accept]])])).toEqual([
      'inet filter input 4: meta protocol ip tcp dport 80 ct state untracked accept',
      ...RAW,
    ])
  })

  test('an administrator’s own notrack at raw priority is enough', () => {
    const local = (side: string) => match({ fib: { result: 'type', flags: [side] } }, 'local')
    const notrack: Json = { notrack: null }
    const own: NativeTable = {
      name: 'inet own',
      chains: {
        pre: {
          at: 'prerouting -300 accept',
          rules: [
            [local('daddr'), port(80), notrack],
            [match(meta('iifname'), 'lo'), port(80, 'sport'), notrack],
          ],
        },
        out: {
          at: 'output -300 accept',
          rules: [
            [local('saddr'), port(80, 'sport'), notrack],
            [match(meta('oifname'), 'lo'), port(80), notrack],
          ],
        },
      },
    }
    const open = filter('inet filter', [lo, icmp, ANSWERS, [port(80), accept]])
    expect(patchOf([own, open])).toEqual([])
    // Behind tracking it comes too late.
    const late = {
      ...own,
      chains: { ...own.chains, pre: { ...own.chains.pre, at: 'prerouting -150 accept' } },
    } as NativeTable
    expect(patchOf([late, open])).toContain(RAW[2])
  })

  test.each<[string, readonly Json[], RegExp]>([
    [
      'a limit',
      [states('new'), port(80), { limit: { rate: 1, burst: 5, per: 'second' } }, accept],
      /policy of chain input/,
    ],
    ['a number of connections', [port(80), { 'ct count': { val: 5 } }, accept], /inet filter/],
    ['a queue', [port(80), { queue: { num: 1 } }], /cannot be foretold: inet filter input: /],
    [
      'iptables’ words in nft',
      [{ xt: { type: 'match', name: 'conntrack' } }, accept],
      /cannot be foretold: inet filter input: /,
    ],
  ])('%s is refused, with the rule', (_title, rule, why) => {
    expect(patchOf([filter('inet filter', [lo, icmp, ANSWERS, rule])])).toMatch(why)
  })

  test.each(['nft', 'legacy'] as const)(
    'beside rules of iptables-%s: accepts in both filters, tracking ends in one place',
    (backend) => {
      const iptables = live(
        `filter INPUT DROP
       -i lo -j ACCEPT
       -p icmp -j ACCEPT
       -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
       -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT`,
        backend,
      )
      const own = native([filter('ip filter', [lo, icmp, ANSWERS, [states('new'), port(80), accept]])])
      const patch = notrackPatch([iptables, ...own], [WEB], { families: ['ip'], backend })
      if (!patch.safe) throw new Error(`${patch.why}: ${patch.rule}`)
      const twins = patch.edits
        .filter(({ spec }) => /untracked/i.test(spec))
        .map((edit) => `${edit.backend} ${edit.table}`)
      const raw = patch.edits.filter(({ spec }) => /\bnotrack (?!.*untracked)|--notrack/.test(spec))
      expect(twins).toEqual(expect.arrayContaining(['native ip filter', `${backend} filter`]))
      expect(new Set(raw.map((edit) => `${edit.backend} ${edit.table}`))).toEqual(new Set([`${backend} raw`]))
      // The step makes accepts first, wherever they are, and ends tracking last.
      const steps = firewall.split?.({ edits: patch.edits }) ?? []
      expect(steps.map(({ edits }) => edits.some(({ table }) => table === 'raw'))).toEqual([false, false, true])
    },
  )

  test('a port that is translated is refused, with the rule', () => {
    const nat: NativeTable = {
      name: 'ip nat',
      chains: {
        pre: { at: 'prerouting -100 accept nat', rules: [[port(80), { dnat: { addr: '172.17.0.2', port: 80 } }]] },
      },
    }
    expect(patchOf([nat])).toMatch(/may be translated.*: ip nat pre: tcp dport 80 dnat to 172\.17\.0\.2:80$/)
  })
})

describe('stateful rules that go', () => {
  const open = (rules: readonly (readonly Json[])[]): readonly NativeTable[] => [
    { name: 'inet filter', chains: { input: { at: 'input 0 accept', rules } } },
  ]
  const removal = (rules: readonly (readonly Json[])[]) => removableStatefulRules(native(open(rules)))

  test('once for both families, with what stands beside them and stays', () => {
    const found = removal([
      [port(22), accept],
      [states('new'), accept],
      [states('related'), accept],
      [port(80), accept],
    ])
    if (!found.removable) throw new Error(found.why)
    const place = {
      backend: 'native',
      family: 'inet',
      table: 'inet filter',
      chain: 'input',
      action: 'remove',
      after: '1 tcp dport 22 accept',
      before: '4 tcp dport 80 accept',
    }
    expect(found.edits).toMatchObject([
      { ...place, spec: 'ct state new accept', handle: 2 },
      { ...place, spec: 'ct state related accept', handle: 3 },
    ])
  })

  test.each<[string, readonly Json[], RegExp]>([
    [
      'what marks packets first, and asks then',
      [match(SADDR, '10.0.0.1'), { mangle: { key: meta('mark'), value: 1 } }, states('new'), accept],
      /does more than decide/,
    ],
    [
      'a mark that is read off the connection',
      [{ mangle: { key: meta('mark'), value: ct('mark') } }],
      /does more than decide/,
    ],
    ['what nobody can write again', [{ xt: { type: 'match', name: 'conntrack' } }], /could not be put back/],
    [
      'more than a plan takes in',
      [
        states('new'),
        match(SADDR, { set: Array.from({ length: 400 }, (_, at) => `10.0.${at >> 8}.${at & 255}`) }),
        accept,
      ],
      /could not be put back/,
    ],
    ['a translation', [{ masquerade: null }], /address translation needs tracking/],
    ['what decides', [states('new'), drop], /would meet another fate/],
  ])('%s stays', (_title, rule, why) => {
    expect(removal([rule])).toEqual({
      removable: false,
      why: expect.stringMatching(why),
      rule: expect.stringContaining('inet filter input: '),
    })
  })
})

function fates(tables: readonly NativeTable[], family: Family, state: (typeof STATES)[number]): readonly string[] {
  const live = native(tables, family)
  const question = questionFor(family, live, { ports: [80], budget: 10_000 })
  const node = fate(question, live, { ...request(family, WEB, 'wire'), state: { is: state } })
  return [...question.decisions.valuesOf(node)].toSorted()
}
