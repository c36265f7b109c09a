import type { Json } from '../model/json.ts'
import { oneKey, pair, textOf } from './nft-text-expressions.ts'
import { joined, line, only, words } from './nft-text-values.ts'

/** `dnat ip to 192.0.2.1:80 persistent`. */
export function natText(kind: string, body: Json): string | null {
  if (body === null) return kind
  const nat = only(body, 'family', 'addr', 'port', 'flags', 'type_flags')
  if (nat === null) return null
  const { family = '', addr, port } = nat
  const flags = words(nat.flags, ['random', 'fully-random', 'persistent', 'netmap'])
  const kinds = words(nat.type_flags, ['prefix'])
  if (family !== '' && family !== 'ip' && family !== 'ip6') return null
  if (flags === null || kinds === null) return null
  // What netmap says is in `prefix` already; nft does not write it.
  const written = flags.filter((flag) => flag !== 'netmap').join(',')
  if (addr === undefined && port === undefined) return line(kind, written)
  return line(kind, family, kinds.length === 0 ? '' : 'prefix', 'to', placeText(addr, port), written)
}

/** `tproxy ip to 192.0.2.1:80`; the family is in the JSON of inet tables alone. */
export function tproxyText(body: Json): string | null {
  const { family = '', addr, port } = only(body, 'family', 'addr', 'port') ?? {}
  if (family !== '' && family !== 'ip' && family !== 'ip6') return null
  // nft leaves out a port that is computed.
  if (port !== undefined && typeof port !== 'number') return null
  return line('tproxy', family, 'to', placeText(addr, port, true))
}

/** An IPv6 address is in brackets beside a port, and in tproxy always. */
function placeText(addr: Json | undefined, port: Json | undefined, always = false): string | null {
  const at = port === undefined ? '' : textOf(port, 'plain')
  const bare = port === undefined && !always
  const address = addr === undefined ? '' : bare ? textOf(addr, 'plain') : bracketed(addr)
  if (at === null || address === null || (addr === undefined && port === undefined)) return null
  return port === undefined ? address : `${address}:${at}`
}

function bracketed(addr: Json): string | null {
  const [kind, bounds] = oneKey(addr)
  const [from, to] = kind === 'range' ? (pair(bounds) ?? []) : []
  if (isIp6(from) && isIp6(to)) return joined([bracketed(from), bracketed(to)], '-')
  const text = textOf(addr, 'plain')
  return isIp6(addr) && text !== null ? `[${text}]` : text
}

function isIp6(value: Json | undefined): value is string {
  return typeof value === 'string' && value.includes(':')
}
