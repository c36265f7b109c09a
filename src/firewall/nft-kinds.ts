import type { Json } from '../model/json.ts'
import { isFields, word } from './nft-values.ts'

/** How far an expression's answer may vary: by its connection, from packet to packet, or never within a flow. */
export function kindOf(expression: Json): string {
  const kinds = new Set<string>()
  const visit = (value: Json, depth: number): void => {
    if (depth > 20) kinds.add('unknown')
    else if (Array.isArray(value)) for (const each of value) visit(each as Json, depth + 1)
    else if (isFields(value)) {
      for (const [kind, body] of Object.entries(value)) {
        const fields = isFields(body) ? body : {}
        if (kind === 'ct') kinds.add('ct')
        else if (kind === 'meta') kinds.add(META_KINDS.get(word(fields.key)) ?? 'unknown')
        else if (kind === 'payload' && ADDRESSES.has(`${word(fields.protocol)} ${word(fields.field)}`))
          kinds.add('flow')
        else if (kind === 'concat' || kind === '&' || kind === '|') visit(body as Json, depth + 1)
        else kinds.add(EXPRESSION_KINDS.get(kind) ?? 'unknown')
      }
    }
  }
  visit(expression, 0)
  return ['unknown', 'ct', 'numgen', 'socket', 'packet', 'mark', 'flow'].find((kind) => kinds.has(kind)) ?? 'unknown'
}

/**
 * Of several `!=` with one value each, the tests of one header, `[left, op, right]`: nft 1.0.6 makes of
 * `tcp sport != 53 tcp dport != 443`, wherever the two stand in a rule, a test that only the two together fail, and lists it as
 * it was written (measured). It does so with neighbouring fields; addresses of IP are none. Other versions may not.
 */
export function mergedTests(tests: readonly (readonly [left: Json, op: Json, right: Json])[]): ReadonlySet<Json> {
  const headers = new Map<string, Json[]>()
  for (const [left, op, right] of tests) {
    const { payload } = isFields(left) ? left : {}
    if (op !== '!=' || !isFields(payload) || (typeof right !== 'string' && typeof right !== 'number')) continue
    if (`${right}`.startsWith('@') || /^[sd]addr$/.test(word(payload.field))) continue
    const header = `${word(payload.protocol)} ${word(payload.base)}`
    headers.set(header, [...(headers.get(header) ?? []), left])
  }
  return new Set([...headers.values()].filter((each) => each.length > 1).flat())
}

const META_KINDS: ReadonlyMap<string, string> = new Map(
  [
    ...['iif', 'iifname', 'iiftype', 'iifgroup', 'iifkind', 'oif', 'oifname', 'oiftype', 'oifgroup', 'oifkind'],
    ...[
      'skuid',
      'skgid',
      'pkttype',
      'cgroup',
      'rtclassid',
      'l4proto',
      'nfproto',
      'protocol',
      'sdif',
      'sdifname',
      'ipsec',
    ],
    ...['ibrname', 'obrname', 'ibriport', 'obriport', 'ibriportname', 'priority'],
  ].map((key): [string, string] => [key, 'flow']),
)
  .set('mark', 'mark')
  .set('random', 'numgen')
  .set('length', 'packet')
  .set('time', 'packet')
  .set('day', 'packet')
  .set('hour', 'packet')
  .set('cpu', 'packet')
  .set('secpath', 'flow')
  .set('secmark', 'flow')

const EXPRESSION_KINDS: ReadonlyMap<string, string> = new Map([
  ['payload', 'packet'],
  ['exthdr', 'packet'],
  ['tcp option', 'packet'],
  ['ip option', 'packet'],
  ['sctp chunk', 'packet'],
  ['dccp option', 'packet'],
  ['osf', 'packet'],
  ['rt', 'flow'],
  ['fib', 'flow'],
  ['ipsec', 'flow'],
  ['jhash', 'packet'],
  ['symhash', 'packet'],
  ['numgen', 'numgen'],
  ['socket', 'socket'],
  ['prefix', 'flow'],
  ['range', 'flow'],
  ['set', 'flow'],
])

const ADDRESSES: ReadonlySet<string> = new Set(
  ['ip saddr', 'ip daddr', 'ip6 saddr', 'ip6 daddr', 'ip protocol', 'ether saddr', 'ether daddr', 'ether type'].concat(
    ['tcp', 'udp', 'th', 'udplite', 'sctp', 'dccp'].flatMap((each) => [`${each} sport`, `${each} dport`]),
  ),
)
