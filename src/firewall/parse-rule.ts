import { known, type Reading, unknown } from '../model/reading.ts'
import {
  MODULE_OPTIONS,
  NEED_A_TEST,
  PORTS,
  PROTOCOL_MODULES,
  RULE_OPTIONS,
  type RuleOption,
  SAME_OPTION,
  SHORT_FOR_LISTS,
  shortFor,
  TEXTS,
} from './rule-options.ts'
import type { Family, Match, Rule, Test } from './rules.ts'
import { isBang, isOption, textOf, valuesAt, type Word, wordsOf } from './words.ts'

/**
 * Reads one rule without its `-A CHAIN`, in today's syntax and in the one before 1.4.3 (`-d ! net`, `--dport ! 80`).
 * A module or target that is not known is kept with its options as they stand; only damage is unknown.
 */
export function parseRule(spec: string): Reading<Rule> {
  const line = parseRuleLine(spec)
  if (!line.known) return line
  const [rule, second] = line.value.rules
  return rule === undefined || second !== undefined ? unknown('stands for more rules than one') : known(rule)
}

/** A line as the restore tools take it: it makes a rule of each address in `-s a,b`, and is for `only` one family with `-4` or `-6`. */
export type RuleLine = { readonly only: Family | null; readonly rules: readonly Rule[] }

export function parseRuleLine(spec: string): Reading<RuleLine> {
  const words = wordsOf(spec)
  if (words === null) return unknown('a quote is not closed')
  const draft: Draft = {
    words,
    at: 0,
    parts: [],
    newest: new Map(),
    last: null,
    once: new Set(),
    target: null,
    protocol: null,
    list: null,
    only: null,
  }
  while (draft.at < words.length) {
    const cause = takeOption(draft)
    if (cause !== null) return unknown(cause)
  }
  const lack = draft.parts.map((part) => lackOf(part, draft.protocol)).find((cause) => cause !== null)
  if (lack !== undefined && lack !== null) return unknown(lack)
  if (draft.list !== null) return each(spec, draft.list)
  const matches = draft.parts.map(({ name, tests, words }): Match => ({ name, tests, text: textOf(words) }))
  const target =
    draft.target === null ? null : { name: draft.target.name, goto: draft.target.goto, options: draft.target.tests }
  return known({ only: draft.only, rules: [{ spec, matches, target }] })
}

type Draft = {
  readonly words: readonly Word[]
  at: number
  readonly parts: Part[]
  /** By name, the module or target named last; later options of its own go there. */
  readonly newest: Map<string, Part>
  last: Part | null
  readonly once: Set<string>
  target: (Part & { readonly goto: boolean }) | null
  protocol: string | null
  list: Word | null
  only: Family | null
}
type Part = { readonly name: string; readonly tests: Test[]; readonly words: Word[] }

/** Takes the next option with its values off the words; says why not. */
function takeOption(draft: Draft): string | null {
  const { words, at: start } = draft
  const negated = isBang(words[start])
  const option = words[negated ? start + 1 : start]
  if (option === undefined || !isOption(option)) {
    return `expected an option, found ${JSON.stringify((option ?? words[start])?.text)}`
  }
  draft.at = start + (negated ? 2 : 1)
  const joined = /^(--[^=]+)=(.*)$/s.exec(option.text)
  const said = { name: joined?.[1] ?? option.text, negated, start, joined: joined?.[2] ?? null }
  const ofAll = RULE_OPTIONS.get(said.name)
  // The policy match has a `--proto` of its own.
  if (ofAll === undefined || (said.name === '--proto' && draft.last?.name === 'policy')) {
    return takeModuleOption(draft, said)
  }
  if (joined !== null && ofAll !== 'match') return `${said.name}= is not read as ${said.name}`
  return takeRuleOption(draft, ofAll, said)
}

type Said = { readonly name: string; readonly negated: boolean; readonly start: number; readonly joined: string | null }

function takeRuleOption(draft: Draft, option: RuleOption, said: Said): string | null {
  const once = option === 'goto' ? 'jump' : option
  if (option !== 'match' && draft.once.has(once)) return once === 'jump' ? TWO_TARGETS : `${said.name} comes twice`
  draft.once.add(once)
  switch (option) {
    case 'ip':
    case 'ip6':
      if (said.negated) return `${said.name} cannot be negated`
      if (draft.only !== null) return 'a rule for both families'
      draft.only = option
      return null
    case 'counters':
      return takeCounters(draft, said)
    case 'match':
    case 'jump':
    case 'goto':
      return takeModule(draft, option, said)
    case 'fragment':
      draft.parts.push({
        name: option,
        tests: [{ option, negated: said.negated, values: [] }],
        words: draft.words.slice(said.start, draft.at),
      })
      return null
    case 'source':
    case 'destination':
    case 'in':
    case 'out':
    case 'protocol':
      return takeAddress(draft, option, said)
  }
}

function takeCounters(draft: Draft, said: Said): string | null {
  const [first, second] = draft.words.slice(draft.at, draft.at + 2).map(({ text }) => text)
  const both = /^\d+,\d+$/.test(first ?? '')
  if (said.negated || (!both && !(/^\d+$/.test(first ?? '') && /^\d+$/.test(second ?? '')))) {
    return `${said.name} needs two numbers`
  }
  draft.at += both ? 1 : 2
  return null
}

function takeModule(draft: Draft, option: 'match' | 'jump' | 'goto', said: Said): string | null {
  const word = draft.words[draft.at]
  const name = said.joined ?? word?.text ?? ''
  const what = option === 'match' ? 'module' : 'target'
  if (name === '' || said.negated || (said.joined === null && isOption(word))) return `${said.name} names no ${what}`
  if (name.includes(NOT_TEXT)) return NOT_UTF_8
  if (said.joined === null) draft.at += 1
  const part = { name, tests: [], words: draft.words.slice(said.start, draft.at) }
  if (option === 'match') draft.parts.push(part)
  else draft.target = { ...part, goto: option === 'goto' }
  const named = option === 'match' ? part : (draft.target as Part)
  draft.newest.set(name, named)
  // A plain verdict has no options, so what follows is still the module's before it.
  if (option === 'match' || !VERDICTS.has(name)) draft.last = named
  return null
}

const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE'])
const TWO_TARGETS = 'a rule has two targets'
const NOT_TEXT = '\uFFFD'
const NOT_UTF_8 = 'a name is not UTF-8'

function takeAddress(draft: Draft, option: 'source' | 'destination' | 'in' | 'out' | 'protocol', said: Said) {
  const values = valuesAt(draft, 1, false)
  if (values === null) return `${said.name} has no value`
  if (said.negated && values.negated) return `${said.name} is negated twice`
  const negated = said.negated || values.negated
  const value = values.values[0] as string
  if (value.includes(NOT_TEXT)) return NOT_UTF_8
  if ((option === 'source' || option === 'destination') && value.includes(',')) {
    if (negated) return `${said.name} negates several addresses`
    draft.list ??= draft.words[draft.at - 1] as Word
  }
  if (option === 'protocol' && !negated) draft.protocol = value.toLowerCase()
  const words = draft.words.slice(said.start, draft.at)
  draft.parts.push({ name: option, tests: [{ option, negated, values: values.values }], words })
  return null
}

function takeModuleOption(draft: Draft, said: Said): string | null {
  if (!said.name.startsWith('--')) return `${said.name} is no option of a rule`
  const written = SAME_OPTION.get(said.name.slice(2)) ?? said.name.slice(2)
  const long = MODULE_OPTIONS.has(written) || RULE_OPTIONS.has(said.name) ? null : shortFor(said.name)
  if (long !== null) return `${said.name} ${long === said.name ? 'is no option of a rule' : `may be short for ${long}`}`
  const lists = draft.last?.name === 'multiport' && !PORTS.some((name) => draft.newest.has(name))
  const option = (lists ? SHORT_FOR_LISTS.get(written) : undefined) ?? written
  const part = partWith(draft, option) ?? implied(draft, option)
  if (part === null) return `${said.name} belongs to no module of the rule`

  const count = MODULE_OPTIONS.get(option)?.values ?? null
  if (count !== null && part.tests.some((test) => test.option === option)) return `${said.name} comes twice`
  const joined = said.joined === null ? null : { negated: false, values: [said.joined] }
  const following = joined ?? valuesAt(draft, count, TEXTS.has(option))
  const values = count === null ? (following ?? { negated: false, values: [] }) : following
  if (values === null) return `${said.name} has ${count === 2 ? 'not its two values' : 'no value'}`
  if (count !== null && values.values.length !== count) return `${said.name} takes ${count} values`
  if (said.negated && values.negated) return `${said.name} is negated twice`
  if (!TEXTS.has(option) && values.values.some((value) => value.includes(NOT_TEXT))) return NOT_UTF_8
  if (SHORT_FOR_LISTS.has(option) && values.values[0]?.includes(',')) return `${said.name} has several ports`
  part.tests.push({ option, negated: said.negated || values.negated, values: values.values })
  for (const word of draft.words.slice(said.start, draft.at)) part.words.push(word)
  return null
}

/** The module or target of the rule that an option is for; null where none is. */
function partWith(draft: Draft, option: string): Part | null {
  const owners = MODULE_OPTIONS.get(option)?.of
  if (owners === undefined) return draft.last
  if (draft.last !== null && owners.includes(draft.last.name)) return draft.last
  return owners.map((name) => draft.newest.get(name)).find((part) => part !== undefined) ?? null
}

/** iptables loads the protocol's module by itself: `-p tcp --dport 80`. */
function implied(draft: Draft, option: string): Part | null {
  const name = moduleOf(draft.protocol)
  const owners = MODULE_OPTIONS.get(option)?.of
  if (name === null || (owners === undefined ? WITHOUT_OTHERS.has(name) : !owners.includes(name))) return null
  const part = { name, tests: [], words: [] }
  draft.parts.push(part)
  draft.newest.set(name, part)
  draft.last ??= part
  return part
}

/** What iptables asks of a module's rule. Where it is not there, words were lost, and the rest would match more than the rule did. */
function lackOf({ name, tests }: Part, protocol: string | null): string | null {
  if (NEED_A_TEST.has(name) && tests.length === 0) return `-m ${name} asks nothing`
  if (!PORTS.includes(name) && name !== 'multiport') return null
  const module = moduleOf(protocol)
  return name === module || (name === 'multiport' && PORTS.includes(module ?? ''))
    ? null
    : `-m ${name} needs its protocol`
}

/** Protocols whose modules have no options but those that are known. */
const WITHOUT_OTHERS: ReadonlySet<string> = new Set(['tcp', 'udp', 'udplite', 'icmp', 'icmp6'])

function moduleOf(protocol: string | null): string | null {
  return protocol === null ? null : (PROTOCOL_MODULES.get(protocol) ?? protocol)
}

function each(spec: string, list: Word): Reading<RuleLine> {
  const addresses = list.text.split(',').map((address) => address.trim())
  if (addresses.includes('')) return unknown(`a list of addresses with a gap: ${JSON.stringify(list.text)}`)
  if (addresses.length > MOST_ADDRESSES) return unknown(`${addresses.length} addresses in one rule`)
  const rules: Rule[] = []
  let only: Family | null = null
  for (const address of addresses) {
    const line = parseRuleLine(spec.slice(0, list.start) + address + spec.slice(list.end))
    if (!line.known) return line
    if (line.value.rules.length * addresses.length > MOST_ADDRESSES) return unknown('too many addresses in one rule')
    only = line.value.only
    rules.push(...line.value.rules)
  }
  return known({ only, rules })
}

/** Each of them becomes a rule with the rest of the line: enough for people, and no way to fill the memory. */
const MOST_ADDRESSES = 64
