import { describe, expect, test } from 'vitest'
import { withEdits } from '../../src/firewall/edits.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import { printRules } from '../../src/firewall/print.ts'
import type { LiveRules, RuleSet } from '../../src/firewall/rules.ts'
import { live } from './dump.ts'

const HTTP = { protocol: 'tcp', port: 80 } as const
const IPV4 = { families: ['ip'], backend: 'legacy' } as const

const RAW = (port: string) => [
  `raw OUTPUT -p tcp -m addrtype --src-type LOCAL ${port.replaceAll('dport', 'sport')} -j CT --notrack`,
  `raw OUTPUT -o lo -p tcp ${port} -j CT --notrack`,
  `raw PREROUTING -p tcp -m addrtype --dst-type LOCAL ${port} -j CT --notrack`,
  `raw PREROUTING -i lo -p tcp ${port.replaceAll('dport', 'sport')} -j CT --notrack`,
]
const RAW_80 = RAW('-m tcp --dport 80')

describe('a web server behind a default drop', () => {
  for (const [module, option] of [
    ['state', '-m state --state'],
    ['conntrack', '-m conntrack --ctstate'],
  ]) {
    test(`-m ${module}: twins beside the accepts that needed a state, and nothing else`, () => {
      const rules = live(`
        filter INPUT DROP
        -i lo -j ACCEPT
        ${option} RELATED,ESTABLISHED -j ACCEPT
        ${option} INVALID -j DROP
        -p tcp -m tcp --dport 22 ${option} NEW -j ACCEPT
        -s 10.0.0.0/8 -p tcp -m tcp --dport 80 ${option} NEW -j ACCEPT
        filter OUTPUT ACCEPT
      `)
      const added = safe([rules], [HTTP])
      expect(added.filter((each) => each.startsWith('raw'))).toEqual(RAW_80)
      expect(added.filter((each) => !each.startsWith('raw'))).toEqual([
        ...[3, 11, 12].map((type) => `filter INPUT -p icmp -m icmp --icmp-type ${type} ${option} INVALID -j ACCEPT`),
        `filter INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 ${option} UNTRACKED -j ACCEPT`,
      ])
    })
  }

  test('a rule without state needs no twin', () => {
    const rules = live(`
      filter INPUT DROP
      -m state --state RELATED,ESTABLISHED -j ACCEPT
      -i lo -j ACCEPT
      -p icmp -j ACCEPT
      -p tcp -m tcp --dport 80 -j ACCEPT
    `)
    expect(safe([rules], [HTTP])).toEqual(RAW_80)
  })

  test('an accept in a chain that only new connections enter gets a second way into it', () => {
    const rules = live(`
      filter INPUT DROP
      -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -i lo -j ACCEPT
      -p icmp -j ACCEPT
      -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j TCP
      -p tcp -j REJECT --reject-with tcp-reset
      filter TCP
      -p tcp -m tcp --dport 80 -j ACCEPT
    `)
    expect(safe([rules], [HTTP])).toEqual([
      'filter INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate UNTRACKED -j TCP',
      ...RAW_80,
    ])
  })

  test('where only established replies may leave, OUTPUT gets its twin, and loopback its own', () => {
    const rules = live(`
      filter INPUT DROP
      -m state --state ESTABLISHED -j ACCEPT
      -p icmp -j ACCEPT
      -p tcp -m tcp --dport 80 -j ACCEPT
      filter OUTPUT DROP
      -p icmp -j ACCEPT
      -m state --state ESTABLISHED -j ACCEPT
    `)
    const added = safe([rules], [HTTP])
    expect(added).toContain('filter OUTPUT -p tcp -m tcp --sport 80 -m state --state UNTRACKED -j ACCEPT')
  })

  test('a rule that drops what is not a SYN comes after its twin', () => {
    const rules = live(`
      filter INPUT DROP
      -m state --state ESTABLISHED,RELATED -j ACCEPT
      -i lo -j ACCEPT
      -p icmp -j ACCEPT
      -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP
      -p tcp -m tcp --dport 80 -j ACCEPT
    `)
    const patch = notrackPatch([rules], [HTTP], IPV4)
    if (!patch.safe) throw new Error(patch.why)
    const key = patch.edits[0]?.key ?? ''
    expect(key).toMatch(/^ctfleet:notrack:[0-9a-f]{10}$/)
    expect(patch.edits[0]).toEqual({
      backend: 'legacy',
      family: 'ip',
      table: 'filter',
      chain: 'INPUT',
      action: 'add',
      key,
      spec: `-p tcp -m tcp --dport 80 -m conntrack --ctstate UNTRACKED -m comment --comment "${key}" -j ACCEPT`,
      after: '-p icmp -j ACCEPT',
      before: '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP',
    })
  })
})

test('ports that need the same rules share them, fifteen to a rule', () => {
  const ports = [80, 443, 8000, 8001, 8002, 8080].map((port) => ({ protocol: 'tcp', port }) as const)
  const added = safe([live('filter INPUT ACCEPT')], ports)
  expect(added).toEqual(RAW('-m multiport --dports 80,443,8000:8002,8080'))
})

test('a second patch names the same rules, and finds nothing left to do where others wrote their like', () => {
  const rules = live(`
    filter INPUT DROP
    -i lo -j ACCEPT
    -p icmp -j ACCEPT
    -m state --state RELATED,ESTABLISHED -j ACCEPT
    -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT
  `)
  const patched = apply([rules], [HTTP])
  expect(safe(patched, [HTTP])).toEqual(safe([rules], [HTTP]))
  const byOthers = patched.map((each) => ({ ...each, rules: withoutComments(each.rules) }))
  expect(safe(byOthers, [HTTP])).toEqual([])
  const other = live(`
    filter INPUT DROP
    -i lo -j ACCEPT
    -p icmp -j ACCEPT
    -m state --state RELATED,ESTABLISHED -j ACCEPT
    -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT
    raw PREROUTING ACCEPT
    -p tcp -m multiport --dports 80,443 -j NOTRACK
    raw OUTPUT ACCEPT
    -p tcp -m tcp --sport 80 -j NOTRACK
    -o lo -p tcp -m tcp --dport 80 -j CT --notrack
  `)
  expect(safe([other], [HTTP])).toEqual([])
})

test('NOTRACK for requests alone is completed', () => {
  const rules = live(`
    raw PREROUTING ACCEPT
    -p tcp -m tcp --dport 80 -j NOTRACK
    filter INPUT ACCEPT
  `)
  expect(safe([rules], [HTTP])).toEqual([RAW_80[0], RAW_80[1], RAW_80[3]])
})

test('NAT that only loopback meets leaves loopback tracked', () => {
  const rules = live(`
    nat OUTPUT ACCEPT
    -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128
    filter INPUT ACCEPT
  `)
  expect(safe([rules], [HTTP])).toEqual([
    'raw OUTPUT ! -o lo -p tcp -m addrtype --src-type LOCAL -m tcp --sport 80 -j CT --notrack',
    'raw PREROUTING ! -i lo -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 80 -j CT --notrack',
  ])
})

test('both backends live: each gets the twins that its own rules need, raw rules go to one', () => {
  const chains = `
    filter INPUT DROP
    -i lo -j ACCEPT
    -p icmp -j ACCEPT
    -m state --state ESTABLISHED,RELATED -j ACCEPT
    -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT
  `
  const patch = notrackPatch([live(chains), live(chains, 'nft')], [HTTP], IPV4)
  if (!patch.safe) throw new Error(patch.why)
  expect(patch.edits.map(({ backend, table }) => `${backend} ${table}`)).toEqual([
    'legacy filter',
    'nft filter',
    ...Array.from({ length: 4 }, () => 'nft raw'),
  ])
})

describe('refused, naming the rule', () => {
  const cases: readonly [name: string, chains: string, rule: string | null][] = [
    [
      'a port that is redirected',
      `nat PREROUTING ACCEPT
       -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080`,
      'nat: -A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080',
    ],
    [
      'a port that docker publishes',
      `nat PREROUTING ACCEPT
       -m addrtype --dst-type LOCAL -j DOCKER
       nat DOCKER
       ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80`,
      'nat: -A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80',
    ],
    [
      'a port that is served transparently',
      `mangle PREROUTING ACCEPT
       -p tcp -m tcp --dport 80 -j TPROXY --on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1`,
      'mangle: -A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1',
    ],
    [
      'an accept that counts new connections',
      `filter INPUT DROP
       -m state --state ESTABLISHED,RELATED -j ACCEPT
       -p icmp -j ACCEPT
       -p tcp -m tcp --dport 80 -m state --state NEW -m limit --limit 5/sec -j ACCEPT`,
      'filter: policy of INPUT',
    ],
    [
      'a target that is not known',
      `filter INPUT ACCEPT
       -p tcp -m tcp --dport 80 -j MYSTERY`,
      'filter: -A INPUT -p tcp -m tcp --dport 80 -j MYSTERY',
    ],
    [
      'a match that is not known',
      `filter INPUT ACCEPT
       -p tcp -m mystery --dport 80 -j DROP`,
      'filter: -A INPUT -p tcp -m mystery --dport 80 -j DROP',
    ],
    [
      'a limit on connections',
      `filter INPUT ACCEPT
       -p tcp -m tcp --dport 80 -m connlimit --connlimit-above 20 -j REJECT`,
      'filter: -A INPUT -p tcp -m tcp --dport 80 -m connlimit --connlimit-above 20 -j REJECT',
    ],
    [
      'a port that answers only because tracking hides it',
      `filter INPUT ACCEPT
       -p tcp -m tcp --dport 80 -m state --state ESTABLISHED -j DROP
       filter OUTPUT ACCEPT`,
      'filter: -A INPUT -p tcp -m tcp --dport 80 -m state --state ESTABLISHED -j DROP',
    ],
  ]
  test.each(cases)('%s', (_, chains, rule) => {
    const patch = notrackPatch([live(chains)], [HTTP], IPV4)
    expect(patch).toMatchObject({ safe: false, rule })
  })

  test('UDP from the port itself that replies need', () => {
    const rules = live(`
      filter INPUT DROP
      -m state --state ESTABLISHED,RELATED -j ACCEPT
      -p icmp -j ACCEPT
      -s 10.0.0.0/8 -p udp -m udp --dport 123 -m state --state NEW -j ACCEPT
      filter OUTPUT ACCEPT
    `)
    const patch = notrackPatch([rules], [{ protocol: 'udp', port: 123 }], IPV4)
    expect(patch).toMatchObject({
      safe: false,
      why: expect.stringContaining('what the host itself sends from port 123'),
    })
  })
})

test('a family without rules gets raw rules in the backend that the host uses', () => {
  const patch = notrackPatch([], [HTTP], { families: ['ip6'], backend: 'nft' })
  if (!patch.safe) throw new Error(patch.why)
  expect(patch.edits).toHaveLength(4)
  expect(patch.edits.every(({ backend, family }) => backend === 'nft' && family === 'ip6')).toBe(true)
})

test('rules that need more decisions than the budget are refused', () => {
  const rules = live('filter INPUT ACCEPT\n-s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j DROP')
  expect(notrackPatch([rules], [HTTP], { ...IPV4, budget: 3 })).toMatchObject({
    safe: false,
    why: expect.stringContaining('3 decision nodes'),
  })
})

function safe(rules: readonly LiveRules[], services: Parameters<typeof notrackPatch>[1]): readonly string[] {
  const patch = notrackPatch(rules, services, IPV4)
  if (!patch.safe) throw new Error(`${patch.why} [${patch.rule}]`)
  return patch.edits.map(
    ({ table, chain, spec }) => `${table} ${chain} ${spec.replace(/ -m comment --comment "[^"]+"/, '')}`,
  )
}

/** The same rules as somebody else would have written them. */
function withoutComments(rules: RuleSet): RuleSet {
  const parsed = parseRules(printRules(rules).replaceAll(/ -m comment --comment "ctfleet:[^"]*"/g, ''), rules.family)
  if (!parsed.known) throw new Error(parsed.why)
  return parsed.value
}

test('accepts of ours that a reload took away are put back, while NOTRACK still stands', () => {
  const rules = live(`
    filter INPUT DROP
    -m state --state RELATED,ESTABLISHED -j ACCEPT
    -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT
  `)
  const first = safe([rules], [HTTP])
  const reloaded = apply([rules], [HTTP]).map(({ backend, rules: patched }) => ({
    backend,
    rules: {
      ...patched,
      tables: patched.tables.map((table) =>
        table.name === 'filter' ? (rules.rules.tables.find(({ name }) => name === 'filter') ?? table) : table,
      ),
    },
  }))
  expect(safe(reloaded, [HTTP])).toEqual(first)
  expect(first.some((rule) => rule.startsWith('filter '))).toBe(true)
})

function apply(rules: readonly LiveRules[], services: Parameters<typeof notrackPatch>[1]): readonly LiveRules[] {
  const patch = notrackPatch(rules, services, IPV4)
  if (!patch.safe) throw new Error(patch.why)
  return rules.map((each) => ({
    ...each,
    rules: withEdits(
      each.rules,
      patch.edits.filter(({ backend }) => backend === each.backend),
    ),
  }))
}

describe('a service whose helper must see its packets', () => {
  const refusal = (chains: string, port: number) =>
    notrackPatch([live(`${chains}\nfilter INPUT ACCEPT`)], [{ protocol: 'tcp', port }], IPV4)

  test.each([
    ['by its port', '-p tcp -m tcp --dport 2121 -j CT --helper ftp', 2121],
    ['in a list', '-p tcp -m multiport --dports 21,2121 -j CT --helper ftp', 2121],
    ['in a range', '-p tcp -m tcp --dport 2000:2200 -j CT --helper ftp', 2121],
    ['without a port', '-p tcp -j CT --helper ftp', 80],
  ])('named by a rule %s', (_, rule, port) => {
    expect(refusal(`raw PREROUTING ACCEPT\n${rule}`, port)).toEqual({
      safe: false,
      why: `tcp port ${port}: its helper needs to see its packets (ftp)`,
      rule: `raw: -A PREROUTING ${rule}`,
    })
  })

  test('named in a chain of its own, for those that come there', () => {
    const chains = `raw PREROUTING ACCEPT
      -p tcp -m tcp --dport 21 -j FTP
      raw FTP
      -j CT --helper ftp`
    expect(refusal(chains, 21)).toMatchObject({ safe: false, rule: 'raw: -A FTP -j CT --helper ftp' })
    expect(refusal(chains, 80)).toMatchObject({ safe: true })
  })

  test('by a loaded module, on the port it watches', () => {
    const patch = (service: { readonly protocol: 'tcp' | 'udp'; readonly port: number }, module: string) =>
      notrackPatch([live('filter INPUT ACCEPT')], [service], { ...IPV4, helperModules: ['nf_nat', module] })
    expect(patch({ protocol: 'udp', port: 69 }, 'nf_conntrack_tftp')).toEqual({
      safe: false,
      why: 'udp port 69: its helper needs to see its packets (nf_conntrack_tftp)',
      rule: null,
    })
    expect(patch({ protocol: 'tcp', port: 21 }, 'ip_conntrack_ftp')).toMatchObject({ safe: false })
    expect(patch({ protocol: 'tcp', port: 69 }, 'nf_conntrack_tftp')).toMatchObject({ safe: true })
    expect(patch({ protocol: 'tcp', port: 80 }, 'nf_conntrack_ftp')).toMatchObject({ safe: true })
  })
})

test('a kernel without the CT target gets NOTRACK, and CT rules of equal meaning stay enough', () => {
  const old = { ...IPV4, oldTarget: true }
  const patch = notrackPatch([live('filter INPUT ACCEPT')], [HTTP], old)
  if (!patch.safe) throw new Error(patch.why)
  expect(patch.edits.map(({ spec }) => / -j .*$/.exec(spec)?.[0])).toEqual(Array(4).fill(' -j NOTRACK'))
  const byOthers = apply([live('filter INPUT ACCEPT')], [HTTP]).map((each) => ({
    ...each,
    rules: withoutComments(each.rules),
  }))
  expect(notrackPatch(byOthers, [HTTP], old)).toMatchObject({
    safe: true,
    edits: [],
  })
})
