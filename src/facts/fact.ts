import { type Reading, unknown } from '../model/reading.ts'
import type { Probe, Section } from '../shell/bundle.ts'
import type { Script } from '../shell/script.ts'

/**
 * One subject asked of a host: shell that prints it and changes nothing, and a total function that reads what was printed.
 * Probes run in subshells of one script that has set `$uid` (number of the user), `$release` and `$machine` (uname).
 */
export type Fact<T> = {
  readonly name: string
  /** Sets variables that several of this subject's probes use; prints nothing. */
  readonly setup?: Script
  /** Each answer comes in a section of its own; names are unique over all facts. */
  readonly probes: readonly Probe[]
  /** Never throws, whatever the host printed. */
  parse(sections: Sections): T
}

/** The answer of a probe of any subject, by the probe's name. */
export type Sections = (name: string) => Reading<Section>

/** Longest line of a host that is looked at, in characters; screens and regular expressions stay quick with these. */
const LONGEST_LINE = 2000

/** The reading that `parse` makes of an answer, or the reason why there was no answer. */
export function readWith<T, U>(reading: Reading<T>, parse: (value: T) => Reading<U>): Reading<U> {
  return reading.known ? parse(reading.value) : reading
}

/** The lines of an answer, each cut to a length that is safe to match, at most `most` of them. */
export function linesOf(text: string, most: number): readonly string[] {
  const lines: string[] = []
  for (let at = 0; at < text.length && lines.length < most; ) {
    const end = text.indexOf('\n', at)
    const stop = end === -1 ? text.length : end
    const line = text.slice(at, Math.min(stop, at + LONGEST_LINE))
    lines.push(line.endsWith('\r') ? line.slice(0, -1) : line)
    at = stop + 1
  }
  return lines
}

/** What `grep -s '' FILE…` printed, `path:line` each, as the lines of each file; all other lines are left out. */
export function filesIn(text: string): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, string[]>()
  for (const line of linesOf(text, 20_000)) {
    const colon = line.indexOf(':')
    if (!line.startsWith('/') || colon === -1) continue
    const path = line.slice(0, colon)
    const lines = files.get(path)
    if (lines === undefined) files.set(path, [line.slice(colon + 1)])
    else lines.push(line.slice(colon + 1))
  }
  return files
}

/** A non-negative whole number, as `/proc` prints them; undefined for all else. */
export function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d{1,15}\s*$/.test(text)) return undefined
  return Number(text)
}

/** An unknown that shows a bit of what the host said. */
export function notUnderstood(what: string, text: string): Reading<never> {
  return unknown(`${what} is not understood: ${JSON.stringify(text.slice(0, 80))}`)
}

/** An address in the one spelling that we compare and show (RFC 5952), or undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split('.').map(Number)
    return parts.every((part) => part < 256) ? parts.join('.') : undefined
  }
  const groups = groupsOf(text)
  return groups === undefined ? undefined : compressed(groups)
}

function groupsOf(text: string): readonly number[] | undefined {
  if (text.length > 45 || !/^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$/.test(text)) return undefined
  const dotted = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  const [, head = '', a, b, c, d] = dotted ?? []
  const hex = (high: string | undefined, low: string | undefined) => (Number(high) * 256 + Number(low)).toString(16)
  const [left = '', right, more] = (dotted === null ? text : `${head}${hex(a, b)}:${hex(c, d)}`).split('::')
  if (more !== undefined) return undefined
  const before = left === '' ? [] : left.split(':')
  const after = right === undefined || right === '' ? [] : right.split(':')
  const missing = 8 - before.length - after.length
  if (right === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...before, ...Array<string>(missing).fill('0'), ...after]
  return groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))
    ? groups.map((group) => parseInt(group, 16))
    : undefined
}

function compressed(groups: readonly number[]): string {
  const [, , , , , mapped, high = 0, low = 0] = groups
  if (mapped === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  }
  const whole = groups.map((group) => group.toString(16)).join(':')
  const zeros = (whole.match(/\b0(:0)+\b/g) ?? []).reduce((best, run) => (run.length > best.length ? run : best), '')
  if (zeros === '') return whole
  const at = new RegExp(`(^|:)${zeros}(:|$)`).exec(whole)
  return at === null ? whole : `${whole.slice(0, at.index)}::${whole.slice(at.index + at[0].length)}`
}
