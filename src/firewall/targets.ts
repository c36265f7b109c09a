import type { Target } from './rules.ts'

/** What a target does to a packet's way through the rules. */
export type Effect = 'accept' | 'drop' | 'return' | 'go-on' | 'no-track' | 'track' | 'translate' | 'unsure'

/** By the target's name; a name that is neither here nor a chain is unsure. `CT` without `--notrack` settles tracking too. */
export function effectOf(name: string, options: readonly { readonly option: string }[]): Effect {
  if (name === 'ct') return 'track'
  if (name === 'CT') return options.some(({ option }) => option === 'notrack') ? 'no-track' : 'track'
  return EFFECTS.get(name) ?? 'unsure'
}

/** How a target tells the sender that it refuses: by a reset of TCP, or by an ICMP error; null where it is silent. */
export function refusalOf({ name, options }: Pick<Target, 'name' | 'options'>): Refusal | null {
  if (name !== 'REJECT' && name !== 'reject') return null
  return options.some(({ option, values }) => option === 'reject-with' && values[0] === 'tcp-reset') ? 'reset' : 'icmp'
}

export type Refusal = 'reset' | 'icmp'

/** Targets that change nothing in the packet: losing such a rule loses a log line or a count, no more. */
export function onlyWatches(name: string): boolean {
  return WATCHING.has(name)
}

/** Targets that work on the packet's connection. */
export const NEEDS_TRACKING_TARGETS: ReadonlySet<string> = new Set([
  'CONNMARK',
  'CONNSECMARK',
  'CT',
  'NOTRACK',
  'SYNPROXY',
  'SNAT',
  'DNAT',
  'MASQUERADE',
  'REDIRECT',
  'NETMAP',
  'SAME',
  'CLUSTERIP',
  'FLOWOFFLOAD',
  ...['notrack', 'ct', 'connmark', 'synproxy', 'flow', 'snat', 'dnat', 'masquerade', 'redirect'],
])

/** Targets that a later rule or the kernel may read back: a mark, a set, a header. */
export const MARKING_TARGETS: ReadonlySet<string> = new Set([
  'MARK',
  'CONNMARK',
  'CONNSECMARK',
  'SECMARK',
  'mark',
  'connmark',
])

const WATCHING: ReadonlySet<string> = new Set(['LOG', 'ULOG', 'NFLOG', 'AUDIT', 'TRACE', 'LED', 'RATEEST', 'IDLETIMER'])

const EFFECTS: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ['ACCEPT', 'accept'],
  ['DROP', 'drop'],
  ['REJECT', 'drop'],
  ['RETURN', 'return'],
  ['NOTRACK', 'no-track'],
  // nft's verdicts and statements.
  ['accept', 'accept'],
  ['drop', 'drop'],
  ['reject', 'drop'],
  ['return', 'return'],
  ['notrack', 'no-track'],
  ...['continue', 'mark', 'connmark', 'set', 'flow', 'dup'].map((name): [string, Effect] => [name, 'go-on']),
  ...['snat', 'dnat', 'masquerade', 'redirect', 'tproxy'].map((name): [string, Effect] => [name, 'translate']),
  ...[
    ...WATCHING,
    ...MARKING_TARGETS,
    'CHECKSUM',
    'CLASSIFY',
    'DSCP',
    'ECN',
    'HL',
    'SET',
    'TCPMSS',
    'TCPOPTSTRIP',
    'TEE',
    'TOS',
    'TTL',
    'HMARK',
  ].map((name): [string, Effect] => [name, 'go-on']),
  ...['SNAT', 'DNAT', 'MASQUERADE', 'REDIRECT', 'NETMAP', 'SAME', 'CLUSTERIP', 'TPROXY'].map(
    (name): [string, Effect] => [name, 'translate'],
  ),
])
