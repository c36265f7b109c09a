import { quoted } from '../input/complaint.ts'

type Expansion =
  | { readonly hosts: readonly { readonly name: string; readonly port: number | null }[] }
  | { readonly wrong: string; readonly hint: string | null }

const MOST_HOSTS = 100_000
const RANGE = /\[(\d*|[A-Za-z]):(\d+|[A-Za-z])(?::(\d+))?\]/

/** `web[01:03].example.com:2222` → three hosts with a port. Ranges are inclusive, with an optional step, as Ansible has them. */
export function expandHostNames(pattern: string): Expansion {
  let names = [pattern]
  for (let range = RANGE.exec(names[0] ?? ''); range !== null; range = RANGE.exec(names[0] ?? '')) {
    const items = rangeItems(range)
    if (!Array.isArray(items)) return items
    if (names.length * items.length > MOST_HOSTS)
      return { wrong: `stands for more than ${MOST_HOSTS} hosts`, hint: null }
    names = names.flatMap((name) => items.map((item) => name.replace(RANGE, item)))
  }
  const hosts = names.map(splitPort)
  const bad = hosts.find(({ name }) => !isHostName(name))
  if (bad !== undefined) return refusal(bad.name)
  const badPort = hosts.find(({ port }) => port !== null && (port < 1 || port > 65535))
  if (badPort !== undefined) return { wrong: `${badPort.port} is no port`, hint: 'ports go from 1 to 65535' }
  return { hosts }
}

/** What ssh, a file name and a log line can all hold: no blanks, no control characters, no leading dash. */
export function isHostName(name: string): boolean {
  return name.length <= 253 && /^[^\s\p{C}\-/\\'"`$;&|<>(){}*?!,#%[\]][^\s\p{C}/\\'"`$;&|<>(){}*?!,#[\]]*$/u.test(name)
}

function rangeItems([, first = '', last = '', step = '1']: RegExpExecArray):
  | string[]
  | { wrong: string; hint: string | null } {
  const by = Number(step)
  if (by === 0) return { wrong: 'this range never moves on', hint: 'make its step 1 or more' }
  const letters = /^[A-Za-z]$/.test(first)
  if (letters !== /^[A-Za-z]$/.test(last)) return { wrong: 'this range mixes letters and numbers', hint: null }
  const [from, to] = letters ? [first.charCodeAt(0), last.charCodeAt(0)] : [Number(first), Number(last)]
  if (from > to || (letters && first < 'a' !== last < 'a'))
    return { wrong: `this range goes from ${first || '0'} to ${last}, which is backwards`, hint: null }
  const width = /^0\d/.test(first) ? first.length : 0
  if (width > 0 && last.length !== width)
    return {
      wrong: `${first} and ${last} have different lengths`,
      hint: 'where a range begins with 0, both ends have the same number of digits',
    }
  if ((to - from) / by >= MOST_HOSTS) return { wrong: `stands for more than ${MOST_HOSTS} hosts`, hint: null }
  const items: string[] = []
  for (let at = from; at <= to; at += by)
    items.push(letters ? String.fromCharCode(at) : String(at).padStart(width, '0'))
  return items
}

function splitPort(text: string): { name: string; port: number | null } {
  const bracketed = /^\[([0-9A-Fa-f:.%\w]+)\](?::(\d+))?$/.exec(text)
  if (bracketed !== null)
    return { name: bracketed[1] ?? '', port: bracketed[2] === undefined ? null : Number(bracketed[2]) }
  const withPort = /^([^:[\]]+):(\d+)$/.exec(text)
  return withPort === null ? { name: text, port: null } : { name: withPort[1] ?? '', port: Number(withPort[2]) }
}

function refusal(name: string): Expansion {
  if (/\{[{%]/.test(name))
    return { wrong: `${quoted(name)} is a template`, hint: 'ctfleet fills in no templates: write the name itself' }
  if (name.startsWith('-'))
    return { wrong: `${quoted(name)} begins with a dash`, hint: 'ssh would take it for an option' }
  return {
    wrong: `${quoted(name)} cannot be the name of a host`,
    hint: 'names have letters, digits, dots, dashes and underscores',
  }
}
