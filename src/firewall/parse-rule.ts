import { known, type Reading, unknown } from '../model/reading.ts'
import type { Match, Rule, Target, Test } from './rules.ts'
import { type Word, wordsOf } from './words.ts'

/**
 * Reads one rule without its `-A CHAIN`, in today's syntax and in the one before 1.4.3 (`-d ! net`, `--dport ! 80`).
 * A module or target that is not known is kept with its options as they stand; only damage is unknown.
 */
export function parseRule(spec: string): Reading<Rule> {
  const words = wordsOf(spec)
  if (words === null) return unknown('a quote is not closed')
  const cursor = { words, at: 0 }
  const matches: Match[] = []
  let target = null as Target | null
  let open = null as OpenMatch | null
  const close = () => {
    if (open !== null)
      matches.push({ name: open.name, tests: open.tests, text: textOf(words.slice(open.start, cursor.at)) })
    open = null
  }

  while (cursor.at < words.length) {
    const start = cursor.at
    const negatedBefore = isBang(words[start])
    const option = words[negatedBefore ? start + 1 : start]
    if (option === undefined || !isOption(option)) {
      return unknown(`expected an option, found ${JSON.stringify((option ?? words[start])?.text)}`)
    }
    const name = option.text
    const builtin = BUILTIN.get(name)
    const opens = builtin !== undefined || MATCH.has(name) || JUMP.has(name) || GOTO.has(name)
    if (opens) close()
    cursor.at = start + (negatedBefore ? 2 : 1)

    if (builtin === 'counters') {
      if (!/^\d+$/.test(words[cursor.at]?.text ?? '') || !/^\d+$/.test(words[cursor.at + 1]?.text ?? '')) {
        return unknown(`${name} needs two numbers`)
      }
      cursor.at += 2
    } else if (builtin !== undefined) {
      const values: Values | null = builtin === 'fragment' ? { negated: false, values: [] } : valuesAt(cursor, 1)
      if (values === null) return unknown(`${name} has no value`)
      const test = { option: builtin, negated: negatedBefore !== values.negated, values: values.values }
      matches.push({ name: builtin, tests: [test], text: textOf(words.slice(start, cursor.at)) })
    } else if (MATCH.has(name)) {
      const module = words[cursor.at]
      if (module === undefined || negatedBefore || isOption(module)) return unknown(`${name} names no module`)
      cursor.at += 1
      open = { name: module.text, tests: [], start }
    } else if (JUMP.has(name) || GOTO.has(name)) {
      const to = words[cursor.at]
      if (to === undefined || negatedBefore || isOption(to)) return unknown(`${name} names no target`)
      if (target !== null) return unknown('a rule has two targets')
      cursor.at += 1
      target = { name: to.text, goto: GOTO.has(name), options: [] }
    } else {
      const values = valuesAt(cursor, Number.POSITIVE_INFINITY) ?? { negated: false, values: [] }
      const test = { option: optionName(name), negated: negatedBefore !== values.negated, values: values.values }
      if (open !== null) open.tests.push(test)
      else if (target !== null) target = { ...target, options: [...target.options, test] }
      else matches.push({ name: impliedModule(matches), tests: [test], text: textOf(words.slice(start, cursor.at)) })
    }
  }
  close()
  return known({ spec, matches, target })
}

type OpenMatch = { readonly name: string; readonly tests: Test[]; readonly start: number }
type Values = { readonly negated: boolean; readonly values: readonly string[] }

const BUILTIN: ReadonlyMap<string, string> = new Map([
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
  ['-c', 'counters'],
  ['--set-counters', 'counters'],
])
const MATCH: ReadonlySet<string> = new Set(['-m', '--match'])
const JUMP: ReadonlySet<string> = new Set(['-j', '--jump'])
const GOTO: ReadonlySet<string> = new Set(['-g', '--goto'])

const SAME_OPTION: ReadonlyMap<string, string> = new Map([
  ['destination-port', 'dport'],
  ['source-port', 'sport'],
  ['destination-ports', 'dports'],
  ['source-ports', 'sports'],
])

/** iptables loads the protocol's module by itself: `-p tcp --dport 80`. */
function impliedModule(matches: readonly Match[]): string {
  const protocol = matches.find(({ name }) => name === 'protocol')?.tests[0]
  const name = protocol?.negated === false ? (protocol.values[0] ?? '') : ''
  return { '6': 'tcp', '17': 'udp', '1': 'icmp', 'ipv6-icmp': 'icmp6', icmpv6: 'icmp6', '58': 'icmp6' }[name] ?? name
}

function valuesAt(cursor: { readonly words: readonly Word[]; at: number }, most: number): Values | null {
  const values: string[] = []
  let negated = false
  while (values.length < most) {
    const word = cursor.words[cursor.at]
    if (word === undefined || isOption(word)) break
    if (isBang(word)) {
      const next = cursor.words[cursor.at + 1]
      if (values.length > 0 || negated || next === undefined || isOption(next)) break
      negated = true
    } else values.push(word.text)
    cursor.at += 1
  }
  return values.length === 0 ? null : { negated, values }
}

function isOption(word: Word | undefined): boolean {
  return word !== undefined && !word.quoted && /^--?[A-Za-z]/.test(word.text)
}

function isBang(word: Word | undefined): boolean {
  return word !== undefined && !word.quoted && word.text === '!'
}

function optionName(text: string): string {
  const name = text.replace(/^--?/, '')
  return SAME_OPTION.get(name) ?? name
}

function textOf(words: readonly Word[]): string {
  return words.map(({ text, quoted }) => (quoted ? `"${text.replaceAll(/[\\"]/g, '\\$&')}"` : text)).join(' ')
}
