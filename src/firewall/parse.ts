import { known, type Reading, unknown } from '../model/reading.ts'
import { parseRuleLine } from './parse-rule.ts'
import type { Chain, Family, Rule, RuleSet, Table } from './rules.ts'
import { type Word, wordsOf } from './words.ts'

/**
 * Reads what iptables-save, iptables-nft-save or their IPv6 twins printed, and what people write for the restore tools: what
 * those load with one meaning has that meaning here. A chain of the kernel's that is not declared has the policy of a fresh
 * table, ACCEPT. Total: text that is damaged (cut, two dumps in one, a prompt in between) is unknown, with line and cause,
 * since a rule that was lost may be the one that decides. Blanks around a line, a carriage return at its end and a byte order
 * mark hide no rule: they are left out, though the tools refuse them.
 */
export function parseRules(text: string, family: Family): Reading<RuleSet> {
  const dump: Dump = { family, tables: new Map(), open: null }
  const lines = (text.startsWith('\uFEFF') ? text.slice(1) : text).split('\n')
  for (const [index, line] of lines.entries()) {
    const cause = takeLine(dump, trimmed(line))
    if (cause !== null) return unknown(`line ${index + 1}: ${cause}`)
  }
  if (dump.open !== null) return unknown(`the text ends before table ${dump.open.name} does: no COMMIT`)
  return known({ family, tables: [...dump.tables.values()] })
}

type Dump = { readonly family: Family; readonly tables: Map<string, Table>; open: OpenTable | null }
type OpenTable = {
  readonly name: string
  readonly ofKernel: readonly string[]
  readonly chains: Map<string, OpenChain>
  /** Names that rules jump to and no chain has yet. */
  readonly targets: Set<string>
}
type OpenChain = { readonly name: string; policy: Chain['policy']; rules: Rule[] }

const CHAINS_OF_KERNEL: ReadonlyMap<string, readonly string[]> = new Map([
  ['filter', ['INPUT', 'FORWARD', 'OUTPUT']],
  ['nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']],
  ['mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']],
  ['raw', ['PREROUTING', 'OUTPUT']],
  ['security', ['INPUT', 'FORWARD', 'OUTPUT']],
])

/** The buffer of iptables-restore, in bytes; no rule of the kernel's prints longer. */
const LONGEST_LINE = 10_239

/** Takes a line into the dump; says why not. */
function takeLine(dump: Dump, line: string): string | null {
  const { open } = dump
  if (line === '') return null
  if (line.startsWith('#')) {
    // iptables-nft-save says so in a comment, and leaves the table out.
    return line.includes("is incompatible, use 'nft' tool") ? `the save tool could not print a table: ${line}` : null
  }
  if (line.length > LONGEST_LINE) return `a line of ${line.length} characters, more than iptables-restore reads`
  if (/[^\P{Cc}\t]/u.test(line)) return `a control character in ${shown(line)}`
  if (line.startsWith('*')) return begin(dump, line.slice(1))
  if (open === null) return `expected a table (*name), found ${shown(line)}`
  if (line.startsWith(':')) return declare(open, line)
  if (line !== 'COMMIT') return takeCommand(open, line, dump.family)
  dump.tables.set(open.name, { name: open.name, chains: [...open.chains.values()] })
  dump.open = null
  return null
}

function begin(dump: Dump, name: string): string | null {
  if (dump.open !== null) return `table ${name} begins before table ${dump.open.name} ends with COMMIT`
  const ofKernel = CHAINS_OF_KERNEL.get(name)
  if (ofKernel === undefined) return `not a table of iptables: ${shown(name)}`
  // The restore tools let the second replace the first, or add to it with --noflush; two hosts in one file look the same.
  if (dump.tables.has(name)) return `table ${name} comes a second time`
  dump.open = { name, ofKernel, chains: new Map(), targets: new Set() }
  return null
}

function declare(open: OpenTable, line: string): string | null {
  const found = /^:[ \t]*(\S+)[ \t]+(ACCEPT|DROP|-)(?:[ \t]+\[\d+:\d+\])?$/.exec(line)
  const [, name, policy] = found ?? []
  if (name === undefined) return `not a chain: ${shown(line)}`
  if (policy === '-' && !open.ofKernel.includes(name)) return makeChain(open, name)
  return policy === '-' ? null : setPolicy(open, name, policy as 'ACCEPT' | 'DROP')
}

function setPolicy(open: OpenTable, name: string, policy: string): string | null {
  if (policy !== 'ACCEPT' && policy !== 'DROP') return `${shown(policy)} is no policy`
  const chain = open.ofKernel.includes(name) ? chainIn(open, name) : null
  if (chain === null) return `chain ${name} of table ${open.name} has no policy: it is not one of the kernel's`
  chain.policy = policy
  return null
}

function makeChain(open: OpenTable, name: string): string | null {
  if (open.chains.has(name) || open.ofKernel.includes(name)) return `chain ${name} comes a second time`
  if (VERDICTS.has(name) || /[\s"\uFFFD]/.test(name)) return `not a chain's name: ${shown(name)}`
  if (open.targets.has(name)) return `chain ${name} comes after a rule that jumps to it`
  open.chains.set(name, { name, policy: null, rules: [] })
  return null
}

const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE'])

/** The chain of that name; one of the kernel's is there without being declared. */
function chainIn(open: OpenTable, name: string): OpenChain | null {
  const there = open.chains.get(name)
  if (there !== undefined || !open.ofKernel.includes(name)) return there ?? null
  const chain: OpenChain = { name, policy: 'ACCEPT', rules: [] }
  open.chains.set(name, chain)
  return chain
}

function takeCommand(open: OpenTable, line: string, family: Family): string | null {
  const rest = line.replace(/^\[\d+:\d+\]/, '')
  const words = wordsOf(rest)
  if (words === null) return `a quote is not closed: ${shown(line)}`
  const command = commandOf(words)
  if (command === null) return `expected a rule (-A chain …), found ${shown(line)}`
  const { does, name, more } = command
  const others = `${does} takes no more than its chain: ${shown(line)}`
  switch (does) {
    case '-N':
      return more.length > 0 ? others : makeChain(open, name)
    case '-P':
      return more.length === 1 ? setPolicy(open, name, (more[0] as Word).text) : `-P needs a policy: ${shown(line)}`
    case '-F':
      return more.length > 0 ? others : flush(open, name)
    case '-A':
    case '-I':
      break
  }
  const chain = chainIn(open, name)
  if (chain === null) return `no chain ${shown(name)} in table ${open.name}`
  const place = does === '-I' && /^\d+$/.test(more[0]?.text ?? '') ? (more[0] as Word).text : null
  const from = more[place === null ? 0 : 1]?.start
  const rule = parseRuleLine(from === undefined ? '' : trimmed(rest.slice(from)))
  if (!rule.known) return `${rule.why}: ${shown(line)}`
  if (rule.value.only !== null && rule.value.only !== family) return null
  const index = Number(place ?? 1) - 1
  if (index < 0 || index > chain.rules.length) return `no place ${place} in chain ${name}: ${shown(line)}`
  const cause = rule.value.rules.map((each) => checkTarget(open, each)).find((each) => each !== null)
  if (cause !== undefined && cause !== null) return `${cause}: ${shown(line)}`
  // Each address of a list is put at the place of the one before.
  if (does === '-I') chain.rules.splice(index, 0, ...rule.value.rules.toReversed())
  else for (const each of rule.value.rules) chain.rules.push(each)
  return null
}

/** `name` is empty where `-F` is for the whole table. */
type Command = {
  readonly does: '-A' | '-I' | '-P' | '-N' | '-F'
  readonly name: string
  readonly more: readonly Word[]
}

const COMMANDS: ReadonlyMap<string, Command['does']> = new Map([
  ['-A', '-A'],
  ['--append', '-A'],
  ['-I', '-I'],
  ['--insert', '-I'],
  ['-P', '-P'],
  ['--policy', '-P'],
  ['-N', '-N'],
  ['--new-chain', '-N'],
  ['-F', '-F'],
  ['--flush', '-F'],
])

function commandOf(words: readonly Word[]): Command | null {
  const first = words[0]?.text ?? ''
  const [, short, joined] = /^(-[AIPNF]|--[a-z-]+(?==))=?(.+)$/s.exec(first) ?? []
  const does = COMMANDS.get(short ?? first)
  const name = joined ?? words[1]?.text
  if (does === '-F' && name === undefined) return { does, name: '', more: [] }
  if (does === undefined || name === undefined) return null
  return { does, name, more: words.slice(joined === undefined ? 2 : 1) }
}

function flush(open: OpenTable, name: string): string | null {
  const chain = name === '' ? null : chainIn(open, name)
  if (name !== '' && chain === null) return `no chain ${shown(name)} in table ${open.name}`
  for (const each of chain === null ? open.chains.values() : [chain]) each.rules = []
  return null
}

function checkTarget(open: OpenTable, { target }: Rule): string | null {
  if (target === null) return null
  const { name, goto, options } = target
  if (open.ofKernel.includes(name)) return `no rule can jump to ${name}`
  if (open.chains.has(name)) return options.length > 0 ? `chain ${name} takes no options` : null
  if (goto) return `no chain ${shown(name)} in table ${open.name}`
  open.targets.add(name)
  return null
}

/** Without blanks at both ends, and in one pass, which a pattern for them is not. */
function trimmed(line: string): string {
  let from = 0
  let to = line.length
  while (from < to && isBlank(line[from] as string)) from += 1
  while (to > from && isBlank(line[to - 1] as string)) to -= 1
  return line.slice(from, to)
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\r'
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
