import { known, type Reading, unknown } from '../model/reading.ts'
import type { Edit } from './edits.ts'
import {
  BLOCK_BEGIN,
  BLOCK_END,
  type FileChange,
  type FileRule,
  fileChange,
  type Insertion,
  linesOf,
} from './file-text.ts'
import { ownKey } from './ours.ts'
import { parseRules } from './parse.ts'
import { parseRuleLine } from './parse-rule.ts'
import type { Family, Rule, RuleSet } from './rules.ts'
import { wordsOf } from './words.ts'

/**
 * The edits of one family as lines of a file that iptables-restore reads, each beside its neighbours; all else stays byte for
 * byte. Rules of ours that are there already stay as they are. Unknown, with the line, where a rule cannot be found in the text.
 * @param text null: there is no such file; it is made, with a raw table alone
 */
export function saveFileChange(
  file: { readonly path: string; readonly text: string | null; readonly family: Family },
  reads: 'legacy' | 'nft',
  edits: readonly Edit[],
): Reading<FileChange> {
  const { path, family } = file
  const text = file.text ?? ''
  if (text !== '' && !text.endsWith('\n')) return unknown(`${path} ends in the middle of a line`)
  if (/\r\n/.test(text)) return unknown(`${path} has the line ends of another system`)
  const rules = parseRules(text, family)
  if (!rules.known) return unknown(`${path}: ${rules.why}`)
  const lines = linesOf(text)
  const made: Insertion[] = []
  const removed: number[] = []
  const named: FileRule[] = []
  for (const table of new Set(edits.map((each) => each.table))) {
    const mine = edits.filter((each) => each.table === table)
    const section = sectionIn(lines, table)
    const done = section === null ? newSection(table, mine, lines.length) : inSection(lines, rules.value, section, mine)
    if (!done.known) return unknown(`${path}: ${done.why}`)
    made.push(...done.value.insertions)
    removed.push(...done.value.removed)
    named.push(...done.value.rules)
  }
  const { text: after, ...change } = fileChange({ path, reads, family, rules: named }, file.text, {
    insertions: made,
    removed,
  })
  const reread = parseRules(after, family)
  if (!reread.known) return unknown(`${path}: with our lines in it, ${reread.why}`)
  const kept = (set: RuleSet, gone: ReadonlySet<string>) => JSON.stringify(othersIn(set, gone))
  const gone = new Set(
    edits.flatMap(({ action, table, chain, spec }) => (action === 'remove' ? [`${table} ${chain} ${spec}`] : [])),
  )
  return kept(rules.value, gone) === kept(reread.value, new Set())
    ? known(change)
    : unknown(`${path}: our lines would change what the others mean`)
}

type Section = { readonly table: string; readonly begin: number; readonly end: number }
type Done = {
  readonly insertions: readonly Insertion[]
  readonly removed: readonly number[]
  readonly rules: readonly FileRule[]
}

function sectionIn(lines: readonly string[], table: string): Section | null {
  const begin = lines.findIndex((line) => line.trim() === `*${table}`)
  const end = lines.findIndex((line, at) => at > begin && line.trim() === 'COMMIT')
  return begin === -1 || end === -1 ? null : { table, begin, end }
}

/** A table that the file has not: only raw, which does nothing by itself. */
function newSection(table: string, edits: readonly Edit[], at: number): Reading<Done> {
  const odd = edits.find(({ action }) => action !== 'add')
  if (table !== 'raw' || odd !== undefined) return unknown(`it has no table ${table}`)
  const rules = edits.map(ruleOf)
  const chains = [...new Set(edits.map(({ chain }) => `:${chain} ACCEPT [0:0]`))]
  const block = [BLOCK_BEGIN, '*raw', ...chains, ...rules.map(({ line }) => line), 'COMMIT', BLOCK_END]
  return known({ insertions: [{ at, lines: block }], removed: [], rules })
}

function inSection(lines: readonly string[], rules: RuleSet, section: Section, edits: readonly Edit[]): Reading<Done> {
  const insertions: Insertion[] = []
  const removed: number[] = []
  const table = rules.tables.find(({ name }) => name === section.table)
  for (const chain of new Set(edits.map((each) => each.chain))) {
    const found = ruleLines(lines, section, chain, table?.chains.find(({ name }) => name === chain)?.rules ?? [])
    if (!found.known) return found
    const others = found.value.filter(({ own }) => own === null)
    const standing = new Set(found.value.flatMap(({ own }) => own ?? []))
    // The edit before may be the neighbour above.
    let last: { readonly spec: string; readonly at: number } | null = null
    for (const edit of edits.filter((each) => each.chain === chain)) {
      if (edit.action === 'remove') {
        const at = others.findIndex((each) => each.spec === edit.spec && !removed.includes(each.line))
        const line = others[at]?.line
        if (line === undefined) return unknown(`it does not hold -A ${chain} ${edit.spec}`)
        if (others.some((each, other) => other !== at && each.line === line)) {
          return unknown(`line ${line + 1} stands for more rules than one`)
        }
        removed.push(line)
        continue
      }
      const at: number | null = last !== null && edit.after === last.spec ? last.at : placeOf(others, edit, section)
      if (at === null) return unknown(`the place of a rule of ours in chain ${chain} is not there`)
      last = { spec: edit.spec, at }
      if (!standing.has(edit.key)) insertions.push({ at, lines: [ruleOf(edit).line] })
    }
  }
  const named = [
    ...edits.filter(({ action }) => action === 'add').map(ruleOf),
    ...removed.map((at): FileRule => ({ action: 'remove', key: `line-${at + 1}`, line: lines[at] as string })),
  ]
  return known({ insertions, removed, rules: named })
}

type RuleLine = { readonly line: number; readonly spec: string; readonly own: string | null }

/** The lines that make a chain's rules, in order; only where each is an append. */
function ruleLines(
  lines: readonly string[],
  { begin, end }: Section,
  chain: string,
  rules: readonly Rule[],
): Reading<readonly RuleLine[]> {
  const found: RuleLine[] = []
  for (let line = begin + 1; line < end; line += 1) {
    const text = (lines[line] as string).trim()
    const words = wordsOf(text.replace(/^\[\d+:\d+\]/, '')) ?? []
    const [command, name] = words
    if (command === undefined || !command.text.startsWith('-')) continue
    if (command.text !== '-A' && command.text !== '--append')
      return unknown(`line ${line + 1} is no append: ${text.slice(0, 60)}`)
    if (name?.text !== chain) continue
    const rest = words[2] === undefined ? '' : text.replace(/^\[\d+:\d+\]/, '').slice(words[2].start)
    const read = parseRuleLine(rest)
    if (!read.known) return unknown(`line ${line + 1}: ${read.why}`)
    if (read.value.only !== null) return unknown(`line ${line + 1} is for one family alone`)
    for (const rule of read.value.rules) found.push({ line, spec: rule.spec, own: ownKey(rule) })
  }
  const same = found.length === rules.length && found.every(({ spec }, at) => spec === rules[at]?.spec)
  return same ? known(found) : unknown(`the lines of chain ${chain} do not make its rules one by one`)
}

/** Below the rule above; at the chain's top, above its first rule; in a chain without rules, at the table's end. */
function placeOf(others: readonly RuleLine[], { after, before }: Edit, { end }: Section): number | null {
  const at = others.findIndex(({ spec }, index) => spec === after && (others[index + 1]?.spec ?? null) === before)
  if (after !== null) return at === -1 ? null : (others[at] as RuleLine).line + 1
  if ((others[0]?.spec ?? null) !== before) return null
  return others[0]?.line ?? end
}

function ruleOf({ key, chain, spec }: Edit): FileRule {
  return { action: 'add', key, line: `-A ${chain} ${spec}`.trimEnd() }
}

/** What is not ours, and stays. */
function othersIn({ tables }: RuleSet, gone: ReadonlySet<string>) {
  return tables.flatMap((table) =>
    table.chains.flatMap(({ name, policy, rules }) => {
      const specs = rules
        .filter((rule) => ownKey(rule) === null && !gone.has(`${table.name} ${name} ${rule.spec}`))
        .map(({ spec }) => spec)
      return policy === 'DROP' || policy === null || specs.length > 0 ? [[table.name, name, policy, specs]] : []
    }),
  )
}
