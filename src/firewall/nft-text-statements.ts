import type { Json } from '../model/json.ts'
import { elementText, isOperation, mappingText, notationOf, oneKey, pair, textOf } from './nft-text-expressions.ts'
import { natText, tproxyText } from './nft-text-nat.ts'
import { statefulText } from './nft-text-stateful.ts'
import { decimal, line, named, only, quoted, several, word, words } from './nft-text-values.ts'

/**
 * A statement as nft writes it; null where we cannot write it.
 * @param family of the rule's table: `reject` is written short in ip and ip6.
 */
export function writeStatement(kind: string, body: Json, family: string | null): string | null {
  if (kind === 'reject') return rejectText(body, family)
  if (kind === 'dup') return dupText(body, family)
  return Object.hasOwn(STATEMENTS, kind) ? (STATEMENTS[kind]?.(body) ?? null) : null
}

/** `{ text: … }` is what nft could not print as JSON, and may be cut off: not here. Nor is `xt`, which no nft can load. */
const STATEMENTS: { readonly [kind: string]: (body: Json) => string | null } = {
  accept: (body) => textOf({ accept: body }, 'plain'),
  drop: (body) => textOf({ drop: body }, 'plain'),
  continue: (body) => textOf({ continue: body }, 'plain'),
  return: (body) => textOf({ return: body }, 'plain'),
  jump: (body) => textOf({ jump: body }, 'plain'),
  goto: (body) => textOf({ goto: body }, 'plain'),
  match: matchText,
  vmap: (body) => {
    const { key = null, data } = only(body, 'key', 'data') ?? {}
    return line(textOf(key, 'plain'), 'vmap', mappingText(data, notationOf(key), 'plain'))
  },
  counter: (body) => counting('counter', body),
  limit: (body) => counting('limit', body),
  quota: (body) => counting('quota', body),
  'ct count': (body) => statefulText('ct count', body),
  last: (body) => statefulText('last', body),
  log: logText,
  snat: (body) => natText('snat', body),
  dnat: (body) => natText('dnat', body),
  masquerade: (body) => natText('masquerade', body),
  redirect: (body) => natText('redirect', body),
  tproxy: tproxyText,
  notrack: (body) => (body === null ? 'notrack' : null),
  mangle: (body) => {
    const { key = null, value = null } = only(body, 'key', 'value') ?? {}
    return line(textOf(key, 'plain'), 'set', textOf(value, notationOf(key)))
  },
  reset: (body) => line('reset', rawOption(body) ?? textOf(body, 'plain')),
  'ct helper': (body) => line('ct helper set', textOf(body, 'quoted')),
  'ct timeout': (body) => line('ct timeout set', textOf(body, 'quoted')),
  'ct expectation': (body) => line('ct expectation set', textOf(body, 'quoted')),
  secmark: (body) => line('meta secmark set', textOf(body, 'quoted')),
  synproxy: synproxyText,
  set: setText,
  meter: meterText,
  flow: (body) => {
    const { op, flowtable } = only(body, 'op', 'flowtable') ?? {}
    return op === 'add' ? line('flow add', named(flowtable)) : null
  },
  queue: queueText,
  fwd: (body) => {
    const { dev = null, family, addr } = only(body, 'dev', 'family', 'addr') ?? {}
    if (addr === undefined) return line('fwd to', textOf(dev, 'index'))
    if (family !== 'ip' && family !== 'ip6') return null
    return line('fwd', family, 'to', textOf(addr, 'plain'), 'device', textOf(dev, 'index'))
  },
}

function matchText(body: Json): string | null {
  const { op, left = null, right = null } = only(body, 'op', 'left', 'right') ?? {}
  const as = notationOf(left)
  const bits = as === 'flags' || as === 'label'
  const [kind, operands] = oneKey(left)
  const masked = kind === '&' ? pair(operands) : null
  if (bits && masked !== null && (op === '==' || op === '!=')) {
    const [flags, mask] = masked
    const alone = oneKey(mask)[0] === null && !Array.isArray(mask)
    // Later nft have a tree of bits for the mask, and write it as one.
    const tree = oneKey(mask)[0] === '|' || oneKey(right)[0] === 'set'
    const plainly = tree || (alone && mask === right) || isReference(right)
    if (!plainly) return line(textOf(flags, as), op === '!=' ? '!=' : '', textOf(right, as), '/', textOf(mask, as))
  }
  const single = oneKey(right)[0] === null && !Array.isArray(right)
  const written = op === '==' && !isOperation(left) && !(bits && single && !isReference(right)) ? '' : OPERATORS.get(op)
  const tested = typeof right === 'boolean' ? (rawOption(left) ?? textOf(left, 'plain')) : textOf(left, 'plain')
  return written === undefined ? null : line(tested, written, textOf(right, as))
}

/** A TCP option without a name, where not its content is meant but the option. */
function rawOption(left: Json): string | null {
  const [kind, body] = oneKey(left)
  const raw = kind === 'tcp option' ? only(body, 'base', 'offset', 'len') : null
  return raw?.offset === 0 ? line('tcp option', decimal(raw.base)) : null
}

/** `in` tests flags, and is not written; `!` is its opposite. */
const OPERATORS = new Map<Json | undefined, string>([
  ...['==', '!=', '<', '>', '<=', '>=', '!'].map((op) => [op, op] as const),
  ['in', ''],
])

function isReference(expression: Json): boolean {
  return typeof expression === 'string' && expression.startsWith('@')
}

/** The counter, limit or quota of the rule's own, or one of the table's by name. */
function counting(kind: string, body: Json): string | null {
  const byName = typeof body === 'string' || oneKey(body)[0] === 'map'
  return byName ? line(kind, 'name', textOf(body, 'quoted')) : statefulText(kind, body)
}

const LEVELS = /^(emerg|alert|crit|err|notice|info|debug|audit)$/

function logText(body: Json): string | null {
  if (body === null) return 'log'
  const log = only(body, 'prefix', 'group', 'snaplen', 'queue-threshold', 'level', 'flags')
  if (log === null) return null
  const { prefix } = log
  const level = log.level === undefined || log.level === 'warn' ? '' : log.level
  // nft puts variables into a prefix, and refuses a name that it does not know.
  const safe = prefix === undefined ? '' : typeof prefix === 'string' && !prefix.includes('$') ? quoted(prefix) : null
  const numbers = (['group', 'snaplen', 'queue-threshold'] as const).map((key) =>
    log[key] === undefined ? '' : line(key, decimal(log[key])),
  )
  return line(
    'log',
    safe === '' ? '' : line('prefix', safe),
    ...numbers,
    level === '' ? '' : typeof level === 'string' && LEVELS.test(level) ? `level ${level}` : null,
    logFlags(several(log.flags)),
  )
}

function logFlags(flags: readonly Json[]): string | null {
  const tcp = flags.flatMap((flag) =>
    flag === 'tcp sequence' ? ['sequence'] : flag === 'tcp options' ? ['options'] : [],
  )
  const others = flags.filter((flag) => flag !== 'tcp sequence' && flag !== 'tcp options')
  return line(
    tcp.length === 0 ? '' : `flags tcp ${tcp.join(',')}`,
    ...others.map((flag) =>
      typeof flag === 'string' && /^(all|ip options|skuid|ether)$/.test(flag) ? `flags ${flag}` : null,
    ),
  )
}

function rejectText(body: Json, family: string | null): string | null {
  const { type, expr = null } = only(body, 'type', 'expr') ?? {}
  if (type === 'tcp reset') return expr === null ? 'reject with tcp reset' : null
  if (type !== 'icmp' && type !== 'icmpv6' && type !== 'icmpx') return null
  const usual = expr === 'port-unreachable'
  if (usual && (type === 'icmpx' || family === 'ip' || family === 'ip6')) return 'reject'
  if (usual && family === null) return null
  return line('reject with', type, textOf(expr, 'plain'))
}

function synproxyText(body: Json): string | null {
  if (typeof body === 'string' || oneKey(body)[0] === 'map') return line('synproxy name', textOf(body, 'quoted'))
  const { mss, wscale, flags } = body === null ? {} : (only(body, 'mss', 'wscale', 'flags') ?? { flags: 'unknown' })
  // With one of the two nft writes a zero for the other, which is not what the rule says.
  if ((mss === undefined) !== (wscale === undefined)) return null
  const has = words(flags, ['timestamp', 'sack-perm'])
  if (has === null) return null
  return line(
    'synproxy',
    mss === undefined ? '' : line('mss', decimal(mss), 'wscale', decimal(wscale)),
    has.includes('timestamp') ? 'timestamp' : '',
    has.includes('sack-perm') ? 'sack-perm' : '',
  )
}

function setText(body: Json): string | null {
  const { op, elem = null, set, stmt } = only(body, 'op', 'elem', 'set', 'stmt') ?? {}
  if (op !== 'add' && op !== 'update' && op !== 'delete') return null
  const inside = line(elementText(elem, 'plain'), ...several(stmt).map((each) => innerText(each)))
  return line(op, named(set), '{', inside, '}')
}

function meterText(body: Json): string | null {
  const { key = null, stmt = null, size, name } = only(body, 'key', 'stmt', 'size', 'name') ?? {}
  return line('meter', word(name), 'size', decimal(size), '{', elementText(key, 'plain'), innerText(stmt), '}')
}

function innerText(statement: Json): string | null {
  const [kind, body] = oneKey(statement)
  return kind === null ? null : statefulText(kind, body)
}

function queueText(body: Json): string | null {
  const { num = null, flags } = only(body, 'num', 'flags') ?? {}
  const has = words(flags, ['bypass', 'fanout'])
  if (has === null) return null
  return line('queue', has.length === 0 ? '' : `flags ${has.join(',')}`, 'to', textOf(num, 'plain'))
}

/** A copy goes to an address, or to an interface in netdev tables. */
function dupText(body: Json, family: string | null): string | null {
  const { addr = null, dev } = only(body, 'addr', 'dev') ?? {}
  const isAddress = typeof addr === 'string' ? /[.:]/.test(addr) : family === null ? null : family !== 'netdev'
  if (isAddress === null) return null
  const to = textOf(addr, isAddress && family !== 'netdev' ? 'plain' : 'index')
  return line('dup to', to, dev === undefined ? '' : line('device', textOf(dev, 'index')))
}
