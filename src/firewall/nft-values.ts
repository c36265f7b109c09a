import type { Json } from '../model/json.ts'

export type Fields = { readonly [key: string]: Json }

export function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function only(value: Json): readonly [string, Fields] {
  if (!isFields(value)) return ['', {}]
  const entries = Object.entries(value)
  const [kind, body] = entries.length === 1 ? (entries[0] as [string, Json]) : ['', null]
  return [kind, isFields(body) ? body : {}]
}

export function word(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

export function setName(value: Json): string | null {
  return typeof value === 'string' && value.startsWith('@') ? value : null
}

export function interfaceName(name: string): string {
  return name.endsWith('*') ? `${name.slice(0, -1)}+` : name
}

/** The values of a right side as words, ranges as `a-b`; null where it holds anything else, a named set for one. */
export function valuesOf(right: Json): readonly string[] | null {
  const set = isFields(right) && Array.isArray(right.set) ? right.set : null
  const found = (set ?? (Array.isArray(right) ? right : [right])).map((each) => oneValue(each as Json))
  return found.some((each) => each === null) ? null : (found as readonly string[])
}

function oneValue(value: Json): string | null {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return value.startsWith('@') ? null : value
  const [kind, body] = only(value)
  if (kind === 'elem') return oneValue((body.val ?? null) as Json)
  if (kind === 'prefix' && typeof body.addr === 'string' && typeof body.len === 'number')
    return `${body.addr}/${body.len}`
  const range = isFields(value) ? value.range : undefined
  if (Array.isArray(range) && range.length === 2) {
    const [from, to] = range.map((each) => oneValue(each as Json))
    return from == null || to == null ? null : `${from}-${to}`
  }
  return null
}

export function flagsOf(value: Json): readonly string[] | null {
  if (value === 0) return []
  if (typeof value === 'string') return EVERY_FLAG.includes(value) ? [value] : null
  const parts = Array.isArray(value) ? value : isFields(value) && Array.isArray(value['|']) ? value['|'] : null
  if (parts === null) return null
  const found = parts.map((each) => flagsOf(each as Json))
  return found.some((each) => each === null) ? null : found.flatMap((each) => each ?? [])
}

export const EVERY_FLAG: readonly string[] = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr']
