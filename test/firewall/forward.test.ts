import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withEdits } from '../../src/firewall/edits.ts'
import { fate, passes, questionFor, untrackedWhere } from '../../src/firewall/evaluate.ts'
import { passagesOf } from '../../src/firewall/flow.ts'
import { either } from '../../src/firewall/logic.ts'
import { dropsMidStream } from '../../src/firewall/mid-stream.ts'
import { nativeRules } from '../../src/firewall/nft-live.ts'
import { parseNft } from '../../src/firewall/nft-ruleset.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { forwardedRequest, type Packet, type Service, type State, SYN } from '../../src/firewall/packet.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import { printRules } from '../../src/firewall/print.ts'
import type { LiveRules } from '../../src/firewall/rules.ts'
import { live } from './dump.ts'

/** Flows that a router passes on to a port of others, taken out of its tracking. */

const HTTPS = { protocol: 'tcp', port: 443, forwarded: true } as const
const DNS = { protocol: 'udp', port: 53, forwarded: true } as const
const HERE = { protocol: 'tcp', port: 443 } as const
const IPV4 = { families: ['ip'], backend: 'legacy' } as const

const RAW = (side: string, protocol = 'tcp', port = 443) =>
  `raw PREROUTING -p ${protocol} -m addrtype ! --dst-type LOCAL -m ${protocol} --${side} ${port} -j CT --notrack`
const RAW_443 = [RAW('dport'), RAW('sport')]
const ANSWERS = '-p tcp -m tcp --sport 443 ! --tcp-flags SYN,ACK SYN -m state --state UNTRACKED -j ACCEPT'

describe('a router that lets its network out, and answers in', () => {
  const ROUTER = `
    filter INPUT DROP
    -m state --state RELATED,ESTABLISHED -j ACCEPT
    -p tcp -m tcp --dport 443 -m state --state NEW -j ACCEPT
    filter FORWARD DROP
    -m state --state RELATED,ESTABLISHED -j ACCEPT
    -m state --state INVALID -j DROP
    -s 192.0.2.0/24 -i lan0 -o wan0 -p tcp -m multiport --dports 80,443 -m state --state NEW -j ACCEPT
    filter OUTPUT ACCEPT
  `

  test('gets both directions in PREROUTING, and twins in FORWARD that are no wider than what they twin', () => {
    const added = safe([live(ROUTER)], [HTTPS])
    expect(added.filter((each) => each.startsWith('raw'))).toEqual(RAW_443)
    expect(added.filter((each) => !each.startsWith('raw'))).toEqual([
      `filter FORWARD ${ANSWERS}`,
      ...[3, 11, 12].map(
        (type) => `filter FORWARD -p icmp -m icmp --icmp-type ${type} -m state --state INVALID -j ACCEPT`,
      ),
      'filter FORWARD -s 192.0.2.0/24 -i lan0 -o wan0 -p tcp -m tcp --dport 443 -m state --state UNTRACKED -j ACCEPT',
    ])
  })

  test('its own service at the same port is another matter, and the two go together', () => {
    const here = safe([live(ROUTER)], [HERE])
    expect(here.some((each) => each.includes('FORWARD') || each.includes('! --dst-type'))).toBe(false)
    const both = safe([live(ROUTER)], [HERE, HTTPS])
    expect(new Set(both)).toEqual(new Set([...here, ...safe([live(ROUTER)], [HTTPS])]))
  })

  test('the verdict rests on FORWARD, on what may translate, and on what this host reports itself', () => {
    const patch = notrackPatch([live(ROUTER)], [HTTPS], IPV4)
    if (!patch.safe) throw new Error(patch.why)
    const chains = patch.dependsOn.map(({ table, chain }) => `${table} ${chain}`)
    for (const chain of ['filter FORWARD', 'mangle POSTROUTING', 'raw PREROUTING', 'nat PREROUTING', 'filter OUTPUT']) {
      expect(chains).toContain(chain)
    }
    expect(chains).not.toContain('filter INPUT')
  })

  test('families that the host does not forward are left out', () => {
    const patch = notrackPatch([live(ROUTER)], [HTTPS], { ...IPV4, families: ['ip', 'ip6'], forwards: ['ip'] })
    expect(patch.safe && patch.edits.every(({ family }) => family === 'ip')).toBe(true)
  })

  test('a second patch finds nothing left to do where others wrote its like', () => {
    const patched = apply([live(ROUTER)], [HTTPS])
    expect(safe(patched, [HTTPS])).toEqual(safe([live(ROUTER)], [HTTPS]))
    const byOthers = patched.map((each) => ({ ...each, rules: withoutComments(each.rules) }))
    expect(safe(byOthers, [HTTPS])).toEqual([])
  })

  test('UDP is refused: nothing in an answer tells it from what a stranger sends from that port', () => {
    const rules = `${ROUTER}
      filter FORWARD DROP
      -m state --state ESTABLISHED -j ACCEPT
      -i lan0 -o wan0 -p udp -m udp --dport 53 -m state --state NEW -j ACCEPT`
    expect(notrackPatch([live(rules)], [DNS], IPV4)).toMatchObject({
      safe: false,
      why: expect.stringContaining('dropped now would pass'),
    })
  })

  test('a high port may be a client’s own: the plan says what such a connection meets', () => {
    const open = live('filter FORWARD DROP\n-m state --state ESTABLISHED,RELATED -j ACCEPT\n-i lan0 -j ACCEPT')
    const wide = notrackPatch([open], [{ ...HTTPS, port: 8080 }], IPV4)
    expect(wide.safe && wide.notes.join()).toContain('takes port 8080 as its own may fail: filter: policy of FORWARD')
    expect(notrackPatch([open], [HTTPS], IPV4)).toMatchObject({
      safe: true,
      notes: expect.not.arrayContaining([expect.stringContaining('as its own')]),
    })
  })
})

test('a router that drops what is new from outside still does, from the port of the answers too', () => {
  const rules = live(`
    filter FORWARD ACCEPT
    -i wan0 -m state --state NEW -j DROP`)
  expect(safe([rules], [HTTPS])).toEqual([
    'filter FORWARD -i wan0 -p tcp -m tcp --dport 443 -m state --state UNTRACKED -j DROP',
    'filter FORWARD -i wan0 -p tcp -m tcp --sport 443 --tcp-flags SYN,ACK SYN -m state --state UNTRACKED -j DROP',
    ...RAW_443,
  ])
})

describe('a router without a firewall', () => {
  const OPEN = live('filter FORWARD ACCEPT')

  test('needs no twins, TCP or UDP', () => {
    expect(safe([OPEN], [HTTPS])).toEqual(RAW_443)
    expect(safe([OPEN], [DNS])).toEqual([RAW('dport', 'udp', 53), RAW('sport', 'udp', 53)])
  })

  test('that leaves requests untracked already gets the answers', () => {
    const half = live('raw PREROUTING ACCEPT\n-p tcp -m tcp --dport 443 -j NOTRACK\nfilter FORWARD ACCEPT')
    expect(safe([half], [HTTPS])).toEqual([RAW('sport')])
  })

  test('broadcasts that it takes in itself are no flows of others, and pass as before', () => {
    const rules = live(`
      filter INPUT DROP
      -i lan0 -p udp -m udp --dport 53 -m state --state NEW -j ACCEPT
      filter FORWARD ACCEPT`)
    expect(safe([rules], [DNS])).toContain(
      'filter INPUT -i lan0 -p udp -m udp --dport 53 -m state --state UNTRACKED -j ACCEPT',
    )
  })
})

describe('refused, naming the rule', () => {
  const cases: readonly [name: string, chains: string, rule: string][] = [
    [
      'a network behind one address',
      'nat POSTROUTING ACCEPT\n-s 192.168.77.0/24 -o wan0 -j MASQUERADE',
      'nat: -A POSTROUTING -s 192.168.77.0/24 -o wan0 -j MASQUERADE',
    ],
    [
      'a server behind one of the router’s ports',
      'nat PREROUTING ACCEPT\n-m addrtype --dst-type LOCAL -j DOCKER\nnat DOCKER\n! -i docker0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.17.0.2',
      'nat: -A DOCKER ! -i docker0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.17.0.2',
    ],
    [
      'a server whose port is reached by another one',
      'nat PREROUTING ACCEPT\n-d 203.0.113.1/32 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 10.0.0.2:440-450',
      'nat: -A PREROUTING -d 203.0.113.1/32 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 10.0.0.2:440-450',
    ],
    [
      'a transparent proxy',
      'mangle PREROUTING ACCEPT\n-p tcp -m tcp --dport 443 -j TPROXY --on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1',
      'mangle: -A PREROUTING -p tcp -m tcp --dport 443 -j TPROXY --on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1',
    ],
    [
      'routes that go by the connection’s mark',
      'mangle PREROUTING ACCEPT\n-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff',
      'mangle: -A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff',
    ],
    [
      'a mark that new connections get',
      'mangle PREROUTING ACCEPT\n-i lan0 -m conntrack --ctstate NEW -j MARK --set-xmark 0x1/0xffffffff',
      'mangle: -A PREROUTING -i lan0 -m conntrack --ctstate NEW -j MARK --set-xmark 0x1/0xffffffff',
    ],
    [
      'a helper',
      'raw PREROUTING ACCEPT\n-p tcp -m tcp --dport 443 -j CT --helper ftp',
      'raw: -A PREROUTING -p tcp -m tcp --dport 443 -j CT --helper ftp',
    ],
    [
      'a target that is not known',
      'filter FORWARD ACCEPT\n-p tcp -m tcp --dport 443 -j MYSTERY',
      'filter: -A FORWARD -p tcp -m tcp --dport 443 -j MYSTERY',
    ],
  ]
  test.each(cases)('%s', (_, chains, rule) => {
    expect(notrackPatch([live(chains)], [HTTPS], IPV4)).toMatchObject({ safe: false, rule })
  })

  test('but a server behind other ports does not stand in the way, nor what is not understood of another protocol', () => {
    const rules = live(`
      nat PREROUTING ACCEPT
      -d 203.0.113.1/32 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 10.0.0.2:8000
      filter FORWARD ACCEPT
      -p udp -m udp --dport 25 -j MYSTERY`)
    expect(safe([rules], [HTTPS])).toEqual(RAW_443)
  })
})

describe("nft's own rules", () => {
  const forward = (...rules: readonly object[][]) => {
    const chain = {
      family: 'inet',
      table: 'filter',
      name: 'forward',
      handle: 1,
      type: 'filter',
      hook: 'forward',
      prio: 0,
    }
    const objects = [
      { table: { family: 'inet', name: 'filter', handle: 1 } },
      { flowtable: { family: 'inet', name: 'ft', table: 'filter', handle: 2, hook: 'ingress', prio: 0, dev: 'lan0' } },
      { chain: { ...chain, policy: 'drop' } },
      ...rules.map((expr, at) => ({
        rule: { family: 'inet', table: 'filter', chain: 'forward', handle: at + 3, expr },
      })),
    ]
    const ruleset = parseNft(JSON.stringify({ nftables: objects }))
    if (!ruleset.known) throw new Error(ruleset.why)
    const native = nativeRules(ruleset.value, () => false)
    if (!native.known) throw new Error(native.why)
    return native.value
  }
  const matching = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } })
  const state = (...states: readonly string[]) => matching({ ct: { key: 'state' } }, { set: states }, 'in')
  const ESTABLISHED = [state('established', 'related'), { accept: null }]
  const NEW_443 = [
    matching({ meta: { key: 'iifname' } }, 'lan0'),
    state('new'),
    matching({ payload: { protocol: 'tcp', field: 'dport' } }, 443),
    { accept: null },
  ]
  const NATIVE = { families: ['ip', 'ip6'], backend: 'native' } as const

  test('get notrack in a table of our own, and twins beside the rules they twin', () => {
    const patch = notrackPatch(forward(ESTABLISHED, NEW_443), [HTTPS], NATIVE)
    if (!patch.safe) throw new Error(`${patch.why} ${patch.rule}`)
    const added = patch.edits.map(
      ({ table, chain, spec }) => `${table} ${chain}: ${spec.replace(/ comment "[^"]+"/, '')}`,
    )
    expect(added.filter((each) => each.startsWith('inet ctfleet'))).toEqual([
      'inet ctfleet prerouting: fib daddr type != local tcp dport 443 notrack',
      'inet ctfleet prerouting: fib daddr type != local tcp sport 443 notrack',
    ])
    expect(added).toContain(
      'inet filter forward: tcp flags & (syn | ack) != syn tcp sport 443 ct state untracked accept',
    )
    expect(added).toContain('inet filter forward: iifname "lan0" tcp dport 443 ct state untracked accept')
  })

  test('that offload flows refuse, since untracked ones never are', () => {
    const offload = [{ flow: { op: 'add', flowtable: '@ft' } }]
    expect(notrackPatch(forward(offload, ESTABLISHED, NEW_443), [HTTPS], NATIVE)).toMatchObject({
      safe: false,
      why: expect.stringContaining('offloaded'),
      rule: expect.stringContaining('flow add @ft'),
    })
  })
})

test('a session that is met in the middle once the rules are gone', () => {
  const asked = { family: 'ip', budget: 100_000 } as const
  const loose =
    'filter FORWARD DROP\n-m state --state ESTABLISHED -j ACCEPT\n-p tcp -m tcp --dport 443 -m state --state NEW -j ACCEPT'
  // The server may be the first to speak, and its packet is no answer to anything then.
  expect(dropsMidStream([live(loose)], HTTPS, asked)).toBe('filter: policy of FORWARD')
  expect(dropsMidStream([live('filter FORWARD ACCEPT')], HTTPS, asked)).toBeNull()
})

const RULES = [
  '-m state --state ESTABLISHED -j ACCEPT',
  '-m state --state ESTABLISHED,RELATED -j ACCEPT',
  '-m state --state INVALID -j DROP',
  '-i lan0 -o wan0 -m state --state NEW -j ACCEPT',
  '-i lan0 -p tcp -m tcp --dport 443 -m state --state NEW -j ACCEPT',
  '-p tcp -m tcp --dport 443 -j ACCEPT',
  '-p tcp -m tcp --sport 443 -j ACCEPT',
  '-p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT',
  '-s 10.0.0.0/8 -j DROP',
  '-d 10.0.0.0/8 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT',
  '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m state --state NEW -j DROP',
  '-i wan0 -o lan0 -m state ! --state ESTABLISHED,RELATED -j DROP',
  '-p tcp -m tcp --dport 443 -m conntrack --ctorigdstport 443 --ctstate NEW -j ACCEPT',
]

test('what is safe lets through what it let through, and opens no connection in any direction', {
  timeout: 60_000,
}, () => {
  let found = 0
  let twinned = 0
  fc.assert(
    fc.property(
      fc.constantFrom('ACCEPT', 'DROP'),
      fc.array(fc.constantFrom(...RULES), { maxLength: 7 }),
      fc.constantFrom('', 'raw PREROUTING ACCEPT\n-i lan0 -p tcp -m tcp --dport 443 -j NOTRACK'),
      (policy, rules, raw) => {
        const before = live([`filter FORWARD ${policy}`, ...rules, raw].join('\n'))
        const patch = notrackPatch([before], [HTTPS], IPV4)
        if (!patch.safe) return
        found += 1
        if (patch.edits.some(({ chain }) => chain === 'FORWARD')) twinned += 1
        const after = { ...before, rules: withEdits(before.rules, patch.edits) }
        const question = questionFor('ip', [before, after], { ports: [443], budget: 300_000 })
        const passing = (of: LiveRules) =>
          passagesOf(question, [of], HTTPS).flatMap(({ passes: node, mayBreak }) => (mayBreak ? [] : [node]))
        expect(passing(after)).toEqual(passing(before))

        const { decisions } = question
        const syn: Packet = { ...forwardedRequest('ip', HTTPS), destinationPort: { any: 'any port' }, flags: SYN }
        const opens = (of: LiveRules) => {
          const as = (state: State) => passes(question, fate(question, [of], { ...syn, state: { is: state } }))
          return either(decisions, untrackedWhere(question, [of], syn), as('UNTRACKED'), as('NEW'))
        }
        const gained = decisions.combine(
          'gained',
          opens(before),
          opens(after),
          (was, is) => `${was !== 'yes' && is !== 'no'}`,
        )
        expect(decisions.witness(gained, (value) => value === 'true')).toBeNull()
      },
    ),
    { numRuns: 120 },
  )
  expect(found).toBeGreaterThan(20)
  expect(twinned).toBeGreaterThan(10)
})

function safe(rules: readonly LiveRules[], services: readonly Service[]): readonly string[] {
  const patch = notrackPatch(rules, services, IPV4)
  if (!patch.safe) throw new Error(`${patch.why} [${patch.rule}]`)
  return patch.edits.map(
    ({ table, chain, spec }) => `${table} ${chain} ${spec.replace(/ -m comment --comment "[^"]+"/, '')}`,
  )
}

function apply(rules: readonly LiveRules[], services: readonly Service[]): readonly LiveRules[] {
  const patch = notrackPatch(rules, services, IPV4)
  if (!patch.safe) throw new Error(patch.why)
  return rules.map((each) => ({ ...each, rules: withEdits(each.rules, patch.edits) }))
}

function withoutComments(rules: LiveRules['rules']): LiveRules['rules'] {
  const parsed = parseRules(printRules(rules).replaceAll(/ -m comment --comment "ctfleet:[^"]*"/g, ''), rules.family)
  if (!parsed.known) throw new Error(parsed.why)
  return parsed.value
}
