import type { Json } from '../model/json.ts'
import { decimal, joined, line, type Notation, only, several } from './nft-text-values.ts'

/** What of a packet is looked at: its text, and how constants beside it are written; null where we don't know it. */
export type Selector = { readonly text: string; readonly notation: Notation }

/** One that needs no other expression to be written; `jhash` does, and is with the expressions. */
export const SELECTORS: { readonly [kind: string]: (body: Json) => Selector | null } = {
  meta: metaSelector,
  ct: ctSelector,
  payload: payloadSelector,
  exthdr: (body) => header(body, (name, field) => (field === '' ? `exthdr ${name}` : `${name} ${field}`)),
  'ip option': (body) => header(body, (name, field) => `ip option ${name} ${field}`.trimEnd()),
  'sctp chunk': (body) => header(body, (name, field) => `sctp chunk ${name} ${field}`.trimEnd()),
  'tcp option': tcpOptionSelector,
  rt: rtSelector,
  fib: fibSelector,
  socket: socketSelector,
  osf: osfSelector,
  ipsec: ipsecSelector,
  numgen: numgenSelector,
  symhash: (body) => {
    const hash = only(body, 'mod', 'seed', 'offset')
    return hash === null ? null : selector(line('symhash', modText(hash)), 'plain')
  },
}

/** `mod 4 seed 0x1 offset 2` of a hash. */
export function modText(hash: { readonly [key: string]: Json }): string | null {
  const seed = hash.seed === undefined ? '' : typeof hash.seed === 'number' ? `seed 0x${hash.seed.toString(16)}` : null
  return line('mod', decimal(hash.mod), seed, offsetText(hash.offset))
}

const META: { readonly [key: string]: Notation } = {
  length: 'plain',
  protocol: 'hex4',
  nfproto: 'plain',
  l4proto: 'plain',
  priority: 'plain',
  mark: 'mark',
  iif: 'index',
  iifname: 'quoted',
  iiftype: 'plain',
  oif: 'index',
  oifname: 'quoted',
  oiftype: 'plain',
  skuid: 'plain',
  skgid: 'plain',
  nftrace: 'plain',
  rtclassid: 'index',
  ibrname: 'quoted',
  obrname: 'quoted',
  pkttype: 'plain',
  cpu: 'plain',
  iifgroup: 'quoted',
  oifgroup: 'quoted',
  cgroup: 'plain',
  random: 'plain',
  ipsec: 'plain',
  iifkind: 'quoted',
  oifkind: 'quoted',
  ibrpvid: 'plain',
  ibrvproto: 'hex4',
  time: 'quoted',
  day: 'quoted',
  hour: 'quoted',
  secmark: 'plain',
  sdif: 'index',
  sdifname: 'quoted',
}
const BARE_META = new Set(['iif', 'oif', 'iifname', 'oifname', 'iifgroup', 'oifgroup'])

function metaSelector(body: Json): Selector | null {
  const key = only(body, 'key')?.key
  if (typeof key !== 'string' || !Object.hasOwn(META, key)) return null
  return selector(BARE_META.has(key) ? key : `meta ${key}`, META[key] as Notation)
}

const CT: { readonly [key: string]: Notation } = {
  state: 'flags',
  direction: 'plain',
  status: 'flags',
  mark: 'mark',
  expiration: 'time',
  helper: 'quoted',
  l3proto: 'plain',
  protocol: 'plain',
  'proto-src': 'plain',
  'proto-dst': 'plain',
  label: 'label',
  bytes: 'plain',
  packets: 'plain',
  avgpkt: 'plain',
  zone: 'plain',
  event: 'flags',
  'ip saddr': 'plain',
  'ip daddr': 'plain',
  'ip6 saddr': 'plain',
  'ip6 daddr': 'plain',
  secmark: 'plain',
  id: 'plain',
}

/** Without `saddr` and `daddr` of old kernels: nft writes a family before them that its JSON leaves out. */
function ctSelector(body: Json): Selector | null {
  const { key, dir = '' } = only(body, 'key', 'dir') ?? {}
  if (typeof key !== 'string' || !Object.hasOwn(CT, key)) return null
  if (dir !== '' && dir !== 'original' && dir !== 'reply') return null
  return selector(line('ct', dir, key), CT[key] as Notation)
}

const FIELDS: { readonly [field: string]: Notation } = {
  'ether type': 'hex4',
  'vlan type': 'hex4',
  'arp ptype': 'hex4',
  'ip dscp': 'hex2',
  'ip6 dscp': 'hex2',
  'ip ecn': 'hex1',
  'ip6 ecn': 'hex1',
  'tcp flags': 'flags',
  'comp flags': 'hex',
}

function payloadSelector(body: Json): Selector | null {
  const raw = only(body, 'base', 'offset', 'len')
  if (raw?.base !== undefined) {
    const base = typeof raw.base === 'string' && /^(ll|nh|th|ih)$/.test(raw.base) ? `@${raw.base}` : null
    return selector(joined([base, decimal(raw.offset), decimal(raw.len)], ','), 'hex')
  }
  const { protocol, field } = only(body, 'protocol', 'field') ?? {}
  const text = line(fieldName(protocol), fieldName(field))
  return text === null ? null : selector(text, Object.hasOwn(FIELDS, text) ? (FIELDS[text] as Notation) : 'plain')
}

/** Without a field it asks whether the header is there at all. */
function header(body: Json, text: (name: string, field: string) => string): Selector | null {
  const { name, field } = only(body, 'name', 'field') ?? {}
  const [named, of] = [fieldName(name), field === undefined ? '' : fieldName(field)]
  return named === null || of === null ? null : selector(text(named, of), 'plain')
}

function tcpOptionSelector(body: Json): Selector | null {
  const raw = only(body, 'base', 'offset', 'len')
  if (raw?.base === undefined) return header(body, (name, field) => `tcp option ${name} ${field}`.trimEnd())
  const at = joined([decimal(raw.base), decimal(raw.offset), decimal(raw.len)], ',')
  return selector(at === null ? null : `tcp option @${at}`, 'plain')
}

function rtSelector(body: Json): Selector | null {
  const { key, family = '' } = only(body, 'key', 'family') ?? {}
  if (typeof key !== 'string' || !/^(classid|nexthop|mtu|ipsec)$/.test(key)) return null
  if (family !== '' && family !== 'ip' && family !== 'ip6') return null
  return selector(line('rt', family, key), key === 'classid' ? 'index' : 'plain')
}

const FIB: { readonly [result: string]: Notation } = { oif: 'index', oifname: 'quoted', type: 'plain' }

function fibSelector(body: Json): Selector | null {
  const { result, flags } = only(body, 'result', 'flags') ?? {}
  if (typeof result !== 'string' || !Object.hasOwn(FIB, result)) return null
  const of = several(flags).map((flag) => (typeof flag === 'string' && /^[a-z]+$/.test(flag) ? flag : null))
  return selector(line('fib', joined(of, ' . '), result), FIB[result] as Notation)
}

/** Without `cgroupv2`: nft's JSON leaves its level out. */
function socketSelector(body: Json): Selector | null {
  const key = only(body, 'key')?.key
  if (typeof key !== 'string' || !/^(transparent|wildcard|mark)$/.test(key)) return null
  return selector(`socket ${key}`, key === 'mark' ? 'mark' : 'plain')
}

function osfSelector(body: Json): Selector | null {
  const { key, ttl = '' } = only(body, 'key', 'ttl') ?? {}
  if ((key !== 'name' && key !== 'version') || (ttl !== '' && ttl !== 'loose' && ttl !== 'skip')) return null
  return selector(line('osf', ttl === '' ? '' : `ttl ${ttl}`, key), 'quoted')
}

function ipsecSelector(body: Json): Selector | null {
  const { key, family = '', dir, spnum = 0 } = only(body, 'key', 'family', 'dir', 'spnum') ?? {}
  if (typeof key !== 'string' || !/^(saddr|daddr|spi|reqid)$/.test(key)) return null
  if ((dir !== 'in' && dir !== 'out') || (family !== '' && family !== 'ip' && family !== 'ip6')) return null
  return selector(line('ipsec', dir, spnum === 0 ? '' : line('spnum', decimal(spnum)), family, key), 'plain')
}

function numgenSelector(body: Json): Selector | null {
  const { mode, mod = null, offset } = only(body, 'mode', 'mod', 'offset') ?? {}
  if (mode !== 'inc' && mode !== 'random') return null
  return selector(line('numgen', mode, 'mod', decimal(mod), offsetText(offset)), 'plain')
}

function offsetText(offset: Json | undefined): string | null {
  return offset === undefined || offset === 0 ? '' : line('offset', decimal(offset))
}

function fieldName(name: Json | undefined): string | null {
  return typeof name === 'string' && /^[a-z0-9][a-z0-9 [\]-]*$/.test(name) ? name : null
}

function selector(text: string | null, notation: Notation): Selector | null {
  return text === null ? null : { text, notation }
}
