import type { Json } from '../model/json.ts'
import { kindOf } from './nft-kinds.ts'
import { statementText } from './nft-text.ts'
import { asksState, type Compared, oddStateMatch, one, trackingMatches } from './nft-tracking.ts'
import {
  EVERY_FLAG,
  type Fields,
  flagsOf,
  interfaceName,
  isFields,
  only,
  setName,
  valuesOf,
  word,
} from './nft-values.ts'
import type { Match, Test } from './rules.ts'

/** What one nft expression asks, in the words that iptables' matches have; what has no such word keeps its text and a kind. */
export function matchesOf(left: Json, op: string, right: Json): readonly Match[] {
  const text = statementText({ match: { op, left, right } }) ?? JSON.stringify({ op, left, right })
  const granted = grantedBy(left)
  const set = setName(right)
  // Rules may write to a named set, so it is asked for by its name, whatever it is asked about.
  if (set !== null && (op === '==' || op === '!=' || op === 'in') && ASKED_ABOUT_SETS.has(kindOf(left))) {
    const values = [set, sidesOf(left, text)]
    return [...granted, one('set', { option: 'match-set', negated: op === '!=', values }, text)]
  }
  return knownMatches(left, op, right, text) ?? [...granted, opaqueMatch(left, text)]
}

/** The same of a test that nobody may rely on, but for whose packets it is about. */
export function doubtedMatches(left: Json, op: string, right: Json): readonly Match[] {
  const text = statementText({ match: { op, left, right } }) ?? JSON.stringify({ op, left, right })
  return [...grantedBy(left), unknownMatch(text)]
}

/** What an expression takes for granted: one of the network or transport header is of its protocol's packets alone. */
function grantedBy(expression: Json): readonly Match[] {
  const granted = new Map<string, Match>()
  const visit = (value: Json): void => {
    if (Array.isArray(value)) for (const each of value) visit(each as Json)
    if (!isFields(value)) return
    for (const [kind, body] of Object.entries(value)) {
      if (kind === 'concat' || kind === '&') visit(body)
      else if (kind === 'payload' && isFields(body)) {
        for (const match of CARRIERS.get(word(body.protocol)) ?? []) granted.set(JSON.stringify(match), match)
      } else if (kind === 'exthdr') granted.set(kind, of('nfproto', 'ipv6'))
      else if (kind === 'tcp option') granted.set(kind, of('protocol', 'tcp'))
    }
  }
  visit(expression)
  return [...granted.values()]
}

/**
 * Some matches as one or two rows that exclude each other: a port that is asked for without its protocol (`th dport`) is, in a
 * packet whose protocol has no ports, whatever stands in its place (measured: type and code of ICMP, for one).
 */
export function apartByPorts(matches: readonly Match[]): readonly (readonly Match[])[] {
  const isPort = ({ name, tests }: Match) =>
    name === 'th' && tests.some(({ option }) => option === 'sport' || option === 'dport')
  const hasPorts = ({ option, negated, values }: Test) =>
    option === 'protocol' && !negated && values.every((each) => PORTED.includes(each))
  if (!matches.some(isPort) || matches.some(({ tests }) => tests.some(hasPorts))) return [matches]
  const ported = (negated: boolean): Match => one('protocol', { option: 'protocol', negated, values: PORTED }, '')
  const bare = matches.map((each) => (isPort(each) ? headerMatch('th', each.text) : each))
  return [
    [...matches, ported(false)],
    [...bare, ported(true)],
  ]
}

/** A match that nobody may rely on. */
export function unknownMatch(text: string): Match {
  return { name: 'unknown', tests: [], text }
}

function knownMatches(left: Json, op: string, right: Json, text: string): readonly Match[] | null {
  const [kind, body] = only(left)
  // None of the bits: for states and flags alone.
  const none = op === '!' && (kind === 'ct' ? body.key === 'state' : body.field === 'flags')
  if (op !== '==' && op !== '!=' && op !== 'in' && !none) return comparedMatches(left, op, right, text)
  const negated = op === '!=' || none
  switch (kind) {
    case 'meta':
      return metaMatches(word(body.key), { op, right, text, negated })
    case 'payload':
      return payloadMatches(word(body.protocol), word(body.field), { op, right, text, negated })
    case 'ct':
      return trackingMatches(body, { op, right, text, negated })
    case 'fib':
      return fibMatches(body, { right, text, negated })
    case '&':
      return maskedFlags(left, { op, right, text, negated })
    default:
      return null
  }
}

function metaMatches(key: string, { right, text, negated }: Compared): readonly Match[] | null {
  const values = valuesOf(right)
  if (values === null) return null
  // iptables' own wildcard, and nft's when it is meant as it stands.
  if (/^[io]if(name)?$/.test(key) && values.some((each) => /[+\\]/.test(each))) return null
  switch (key) {
    case 'iifname':
    case 'iif':
      return [one('in', { option: 'in', negated, values: values.map(interfaceName) }, text)]
    case 'oifname':
    case 'oif':
      return [one('out', { option: 'out', negated, values: values.map(interfaceName) }, text)]
    case 'l4proto':
      return hasRange(right) ? null : [one('protocol', { option: 'protocol', negated, values }, text)]
    case 'nfproto':
      return [one('nfproto', { option: 'nfproto', negated, values }, text)]
    case 'protocol':
      return [
        one(
          'nfproto',
          {
            option: 'nfproto',
            negated,
            values: values.map((each) => `${each}`.replace(/^ip$/, 'ipv4').replace(/^ip6$/, 'ipv6')),
          },
          text,
        ),
      ]
    default:
      return null
  }
}

function payloadMatches(protocol: string, field: string, asked: Compared): readonly Match[] | null {
  const { right, text, negated, op } = asked
  if ((protocol === 'ip' || protocol === 'ip6') && (field === 'saddr' || field === 'daddr')) {
    const side = field === 'saddr' ? 'source' : 'destination'
    const family = of('nfproto', protocol === 'ip' ? 'ipv4' : 'ipv6')
    const values = valuesOf(right)
    return values === null ? null : [family, one(side, { option: side, negated, values: [values.join(',')] }, text)]
  }
  if (protocol === 'ip' && field === 'protocol') {
    const values = valuesOf(right)
    if (values === null || hasRange(right)) return null
    return [of('nfproto', 'ipv4'), one('protocol', { option: 'protocol', negated, values }, text)]
  }
  if (WITH_PORTS.has(protocol) && (field === 'sport' || field === 'dport')) {
    const carrier = protocol === 'th' ? [] : [of('protocol', protocol)]
    const values = valuesOf(right)
    if (values === null) return null
    const ports = values.map((each) => each.replace('-', ':')).join(',')
    return [...carrier, one(protocol, { option: field, negated, values: [ports] }, text)]
  }
  if (protocol === 'tcp' && field === 'flags') {
    const flags = flagsOf(right)
    if (flags === null) return null
    const test: Test =
      op === 'in' || op === '!'
        ? { option: 'any-flag', negated, values: [flags.join(',')] }
        : flagTest(EVERY_FLAG, flags, negated)
    return [of('protocol', 'tcp'), one('tcp', test, text)]
  }
  if ((protocol === 'icmp' || protocol === 'icmpv6') && field === 'type') {
    const values = valuesOf(right)
    if (values === null || hasRange(right)) return null
    const name = protocol === 'icmp' ? 'icmp' : 'icmp6'
    const option = protocol === 'icmp' ? 'icmp-type' : 'icmpv6-type'
    const family = of('nfproto', protocol === 'icmp' ? 'ipv4' : 'ipv6')
    return [
      family,
      of('protocol', protocol === 'icmp' ? 'icmp' : 'ipv6-icmp'),
      one(name, { option, negated, values }, text),
    ]
  }
  return null
}

/** What has no word among iptables' matches: how far its answer may vary is all that is known. */
function opaqueMatch(left: Json, text: string): Match {
  const kind = kindOf(left)
  if (kind === 'ct' && asksState(left)) return oddStateMatch(text)
  const headers = headersIn(left)
  // Later pieces of a datagram have no such header.
  if (kind === 'flow' && headers.length > 0) return { name: 'portset', tests: [], text }
  const [header] = headers
  if (kind === 'packet' && header !== undefined) return headerMatch(header === 'icmpv6' ? 'icmp6' : header, text)
  return { name: kind, tests: [], text }
}

/** Something in a header above IP, whose answer may vary from packet to packet. */
function headerMatch(header: string, text: string): Match {
  return one(header, { option: 'tcp-option', negated: false, values: [text] }, text)
}

/** Protocols above IP whose own header an expression reads. */
function headersIn(left: Json): readonly string[] {
  const found = JSON.stringify(left).matchAll(/"(?:payload":\{[^}]*"protocol":"([a-z0-9]+)"|(tcp) option")/g)
  return [...found].map(([, payload, option]) => payload ?? option ?? '').filter((each) => ABOVE_IP.has(each))
}

/** For sets, which part of a packet is asked about: iptables' `src`, `dst`, else the expression itself. */
function sidesOf(left: Json, text: string): string {
  const [kind, body] = only(left)
  if (kind === 'payload' && /^ip6?$/.test(word(body.protocol))) {
    if (body.field === 'saddr') return 'src'
    if (body.field === 'daddr') return 'dst'
  }
  // The comma: a later piece may answer otherwise than the whole.
  return `${text.replace(/ ?(!= )?@.*/, '')},`
}

function hasRange(right: Json): boolean {
  return JSON.stringify(right).includes('"range"')
}

function fibMatches(body: Fields, { right, text, negated }: Omit<Compared, 'op'>): readonly Match[] | null {
  const flags = Array.isArray(body.flags) ? body.flags : [body.flags]
  const values = valuesOf(right)
  if (body.result !== 'type' || flags.length !== 1 || values === null) return null
  const option = flags[0] === 'daddr' ? 'fib-destination' : flags[0] === 'saddr' ? 'fib-source' : null
  if (option === null) return null
  return [one('fib', { option, negated, values: [values.join(',').toUpperCase()] }, text)]
}

function maskedFlags(left: Json, { op, right, text, negated }: Compared): readonly Match[] | null {
  const parts = isFields(left) ? left['&'] : undefined
  if (!Array.isArray(parts) || parts.length !== 2 || op === 'in') return null
  const [kind, body] = only(parts[0] as Json)
  if (kind !== 'payload' || body.protocol !== 'tcp' || body.field !== 'flags') return null
  const [mask, set] = [flagsOf(parts[1] as Json), flagsOf(right)]
  if (mask === null || set === null) return null
  return [of('protocol', 'tcp'), one('tcp', flagTest(mask, set, negated), text)]
}

/** `tcp dport >= 1024` and its like. */
function comparedMatches(left: Json, op: string, right: Json, text: string): readonly Match[] | null {
  const [kind, body] = only(left)
  const [protocol, field] = [word(body.protocol), word(body.field)]
  if (kind !== 'payload' || !WITH_PORTS.has(protocol) || (field !== 'sport' && field !== 'dport')) return null
  if (typeof right !== 'number') return null
  const range = { '<': [0, right - 1], '<=': [0, right], '>': [right + 1, 65535], '>=': [right, 65535] }[op]
  if (range === undefined || (range[0] as number) > (range[1] as number)) return null
  const carrier = protocol === 'th' ? [] : [of('protocol', protocol)]
  return [...carrier, one(protocol, { option: field, negated: false, values: [range.join(':')] }, text)]
}

const ASKED_ABOUT_SETS: ReadonlySet<string> = new Set(['flow', 'packet'])
const ABOVE_IP: ReadonlySet<string> = new Set(['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'th', 'icmp', 'icmpv6'])
const PORTED: readonly string[] = ['tcp', 'udp', 'udplite', 'sctp', 'dccp']
const WITH_PORTS: ReadonlySet<string> = new Set([...PORTED, 'th'])
const CARRIERS: ReadonlyMap<string, readonly Match[]> = new Map([
  ['ip', [of('nfproto', 'ipv4')]],
  ['ip6', [of('nfproto', 'ipv6')]],
  ...PORTED.map((each): [string, readonly Match[]] => [each, [of('protocol', each)]]),
  ['icmp', [of('nfproto', 'ipv4'), of('protocol', 'icmp')]],
  ['icmpv6', [of('nfproto', 'ipv6'), of('protocol', 'ipv6-icmp')]],
])

/** What another expression takes for granted: nft prints `tcp dport 22` without the protocol. */
function of(name: 'protocol' | 'nfproto', value: string): Match {
  return { name, tests: [{ option: name, negated: false, values: [value] }], text: '' }
}

function flagTest(mask: readonly string[], set: readonly string[], negated: boolean): Test {
  return { option: 'tcp-flags', negated, values: [mask.join(','), set.length === 0 ? 'NONE' : set.join(',')] }
}
