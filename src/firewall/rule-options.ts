/** The options that every rule may have, by each name that the save tools and people write. */
export type RuleOption =
  | 'source'
  | 'destination'
  | 'in'
  | 'out'
  | 'protocol'
  | 'fragment'
  | 'counters'
  | 'match'
  | 'jump'
  | 'goto'
  | 'ip'
  | 'ip6'

export const RULE_OPTIONS: ReadonlyMap<string, RuleOption> = new Map<string, RuleOption>([
  ['-s', 'source'],
  ['--source', 'source'],
  ['--src', 'source'],
  ['-d', 'destination'],
  ['--destination', 'destination'],
  ['--dst', 'destination'],
  ['-i', 'in'],
  ['--in-interface', 'in'],
  ['-o', 'out'],
  ['--out-interface', 'out'],
  ['-p', 'protocol'],
  ['--protocol', 'protocol'],
  ['--proto', 'protocol'],
  ['-f', 'fragment'],
  ['--fragment', 'fragment'],
  ['--fragments', 'fragment'],
  ['-c', 'counters'],
  ['--set-counters', 'counters'],
  ['-m', 'match'],
  ['--match', 'match'],
  ['-j', 'jump'],
  ['--jump', 'jump'],
  ['-g', 'goto'],
  ['--goto', 'goto'],
  ['-4', 'ip'],
  ['--ipv4', 'ip'],
  ['-6', 'ip6'],
  ['--ipv6', 'ip6'],
])

/**
 * The option or command that iptables takes a name for: `--jum` is `--jump`. Modules have options of their own that look so
 * short (`--set`, `--pol`).
 */
export function shortFor(name: string): string | null {
  return OF_MODULES.has(name) ? null : (LONG.find((long) => long.startsWith(name)) ?? null)
}

const OF_MODULES: ReadonlySet<string> = new Set(['--set', '--pol'])
const LONG: readonly string[] = [
  ...[...RULE_OPTIONS.keys()].filter((name) => name.startsWith('--')),
  ...['append', 'insert', 'delete', 'replace', 'check', 'policy', 'table', 'wait'].map((name) => `--${name}`),
]

/** Modules and targets that have an option, and how many words follow it. */
export type ModuleOption = { readonly of: readonly string[]; readonly values: 0 | 1 | 2 }

/** Modules with one port of each side. */
export const PORTS: readonly string[] = ['tcp', 'udp', 'udplite', 'sctp', 'dccp']
const CONNECTION = ['state', 'proto', 'origsrc', 'origdst', 'replsrc', 'repldst', 'status', 'expire', 'dir']
const CONNECTION_PORTS = ['origsrcport', 'origdstport', 'replsrcport', 'repldstport']

/** Options that only these have: they go to their module wherever they stand, as iptables reads them. Others go to the module named last. */
export const MODULE_OPTIONS: ReadonlyMap<string, ModuleOption> = new Map<string, ModuleOption>([
  ['sport', { of: PORTS, values: 1 }],
  ['dport', { of: PORTS, values: 1 }],
  ['syn', { of: ['tcp'], values: 0 }],
  ['tcp-flags', { of: ['tcp'], values: 2 }],
  ['tcp-option', { of: ['tcp'], values: 1 }],
  ['sports', { of: ['multiport', 'mport'], values: 1 }],
  ['dports', { of: ['multiport', 'mport'], values: 1 }],
  ['ports', { of: ['multiport', 'mport'], values: 1 }],
  ['state', { of: ['state'], values: 1 }],
  ...[...CONNECTION, ...CONNECTION_PORTS].map((name): [string, ModuleOption] => [
    `ct${name}`,
    { of: ['conntrack'], values: 1 },
  ]),
  ['icmp-type', { of: ['icmp'], values: 1 }],
  ['icmpv6-type', { of: ['icmp6', 'icmpv6', 'ipv6-icmp'], values: 1 }],
  ['src-type', { of: ['addrtype'], values: 1 }],
  ['dst-type', { of: ['addrtype'], values: 1 }],
  ['limit-iface-in', { of: ['addrtype'], values: 0 }],
  ['limit-iface-out', { of: ['addrtype'], values: 0 }],
  ['src-range', { of: ['iprange'], values: 1 }],
  ['dst-range', { of: ['iprange'], values: 1 }],
  ['match-set', { of: ['set'], values: 2 }],
  ['mac-source', { of: ['mac'], values: 1 }],
  ['comment', { of: ['comment'], values: 1 }],
  ['reject-with', { of: ['REJECT'], values: 1 }],
  ['log-prefix', { of: ['LOG'], values: 1 }],
  ['nflog-prefix', { of: ['NFLOG'], values: 1 }],
])

/** Modules that iptables takes only with a test. */
export const NEED_A_TEST: ReadonlySet<string> = new Set([
  'state',
  'conntrack',
  'multiport',
  'addrtype',
  'iprange',
  'set',
])

/** Free text: any words, a lone `!` too, in whatever encoding. */
export const TEXTS: ReadonlySet<string> = new Set(['comment', 'log-prefix', 'nflog-prefix'])

export const SAME_OPTION: ReadonlyMap<string, string> = new Map([
  ['destination-port', 'dport'],
  ['source-port', 'sport'],
  ['destination-ports', 'dports'],
  ['source-ports', 'sports'],
])

/** What iptables takes for short where only multiport has been named: `-p tcp -m multiport --dport 80,443`. */
export const SHORT_FOR_LISTS: ReadonlyMap<string, string> = new Map([
  ['dport', 'dports'],
  ['sport', 'sports'],
  ['port', 'ports'],
])

/** The module that iptables loads by itself for a protocol, by the protocol's name or number. */
export const PROTOCOL_MODULES: ReadonlyMap<string, string> = new Map([
  ['6', 'tcp'],
  ['17', 'udp'],
  ['1', 'icmp'],
  ['132', 'sctp'],
  ['33', 'dccp'],
  ['136', 'udplite'],
  ['ipv6-icmp', 'icmp6'],
  ['icmpv6', 'icmp6'],
  ['58', 'icmp6'],
])
