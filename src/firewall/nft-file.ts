import { known, type Reading, unknown } from '../model/reading.ts'
import { type Edit, OWN_TABLE } from './edits.ts'
import {
  BLOCK_BEGIN,
  BLOCK_END,
  type FileChange,
  type FileRule,
  fileChange,
  type Insertion,
  linesOf,
} from './file-text.ts'
import { canonical, type FileChain, nftChainsIn } from './nft-file-chains.ts'
import { ownKey } from './ours.ts'
import type { Chain, LiveRules, Rule } from './rules.ts'

/**
 * The edits of nft's own rules as lines of a file that `nft -f` reads, such as /etc/nftables.conf. Its language is not
 * understood here, but compared: only where the file holds, rule by rule, what nft prints of the rules that run is what holds
 * after boot what holds now, and the same edits are right in both. Unknown, with the line, where that is not so.
 */
export function nftFileChange(
  file: { readonly path: string; readonly text: string },
  live: readonly LiveRules[],
  edits: readonly Edit[],
): Reading<FileChange> {
  const { path, text } = file
  if (text !== '' && !text.endsWith('\n')) return unknown(`${path} ends in the middle of a line`)
  const lines = linesOf(text)
  const block = blockIn(lines)
  const outside = lines.map((line, at) => (block !== null && at >= block.begin && at <= block.end ? '' : line))
  const chains = nftChainsIn(outside)
  if (!chains.known) return unknown(`${path}: ${chains.why}`)
  const running = runningChains(live)
  const other = firstDifference(chains.value, running)
  if (other !== null) return unknown(`${path}: ${other}`)
  const insertions: Insertion[] = []
  const removed: number[] = []
  const named: FileRule[] = []
  for (const edit of edits.filter(({ table }) => table !== OWN_TABLE)) {
    const chain = chains.value.find((each) => each.table === edit.table && each.name === edit.chain)
    const rules = running.find((each) => each.table === edit.table && each.chain.name === edit.chain)?.rules ?? []
    const done = chain === undefined ? null : placed(chain, rules, edit, lines)
    if (done === null)
      return unknown(`${path}: the place of a rule of ours in ${edit.table} ${edit.chain} is not there`)
    insertions.push(...done.insertions)
    removed.push(...done.removed)
    named.push(done.rule)
  }
  const own = edits.filter(({ table }) => table === OWN_TABLE)
  const before = block === null ? [] : lines.slice(block.begin, block.end + 1)
  const wanted = own.length === 0 ? before : ownBlock(own, before)
  if (wanted.join('\n') !== before.join('\n')) {
    insertions.push({ at: block?.begin ?? lines.length, lines: wanted })
    if (block !== null) for (let at = block.begin; at <= block.end; at += 1) removed.push(at)
  }
  named.push(...own.map(({ key, spec }): FileRule => ({ action: 'add', key, line: spec })))
  const { text: _, ...change } = fileChange({ path, reads: 'native', family: 'inet', rules: named }, text, {
    insertions,
    removed,
  })
  return known(change)
}

/** Our own table, made afresh each time that the file is loaded, so that a reload does not add to it. */
export function ownTable(edits: readonly Pick<Edit, 'chain' | 'spec'>[]): readonly string[] {
  return tableOf((chain) => edits.flatMap((each) => (each.chain === chain ? [each.spec] : [])))
}

function tableOf(rulesOf: (chain: string) => readonly string[]): readonly string[] {
  return [
    `table ${OWN_TABLE}`,
    `delete table ${OWN_TABLE}`,
    `table ${OWN_TABLE} {`,
    ...['prerouting', 'output'].flatMap((chain) => [
      `\tchain ${chain} {`,
      `\t\ttype filter hook ${chain} priority -300; policy accept;`,
      ...rulesOf(chain).map((spec) => `\t\t${spec}`),
      '\t}',
    ]),
    '}',
  ]
}

function ownBlock(edits: readonly Edit[], before: readonly string[]): readonly string[] {
  const standing = nftChainsIn(before.slice(Math.max(before.indexOf(`table ${OWN_TABLE} {`), 0), -1))
  const rulesOf = (chain: string) => {
    const old = standing.known ? (standing.value.find(({ name }) => name === chain)?.rules ?? []) : []
    const kept = old.map(({ text }) => text)
    const come = edits.filter((each) => each.chain === chain && !kept.some((rule) => rule.includes(`"${each.key}"`)))
    return [...come.map(({ spec }) => spec), ...kept]
  }
  return [BLOCK_BEGIN, ...tableOf(rulesOf), BLOCK_END]
}

function blockIn(lines: readonly string[]): { readonly begin: number; readonly end: number } | null {
  const begin = lines.indexOf(BLOCK_BEGIN)
  const end = lines.indexOf(BLOCK_END, begin)
  return begin === -1 || end === -1 ? null : { begin, end }
}

type Running = { readonly table: string; readonly chain: Chain; readonly rules: readonly Rule[] }

/** Every chain of nft's own that runs, without what is ours; a rule that has several verdicts counts once. */
function runningChains(live: readonly LiveRules[]): readonly Running[] {
  const found = new Map<string, Running>()
  for (const { backend, rules } of live) {
    if (backend !== 'native') continue
    for (const { name: table, chains } of rules.tables) {
      if (table === OWN_TABLE) continue
      for (const chain of chains) {
        const once = chain.rules.filter(
          (rule, at) => rule.handle === undefined || rule.handle !== chain.rules[at - 1]?.handle,
        )
        found.set(`${table} ${chain.name}`, { table, chain, rules: once.filter((rule) => ownKey(rule) === null) })
      }
    }
  }
  return [...found.values()]
}

function firstDifference(chains: readonly FileChain[], running: readonly Running[]): string | null {
  for (const { table, chain, rules } of running) {
    const mine = chains.find((each) => each.table === table && each.name === chain.name)
    if (mine === undefined) return `it does not hold chain ${table} ${chain.name}, which runs now`
    const { hook } = chain
    const base = hook === undefined ? null : [hook.type, hook.at, hook.priority, chain.policy].join(' ')
    if (mine.base !== base) return `chain ${table} ${chain.name} does not stand where the one that runs now does`
    const others = othersIn(mine)
    const at = rules.findIndex(({ spec }, index) => others[index]?.canonical !== canonical(spec))
    const odd = at === -1 ? others[rules.length] : others[at]
    if (odd !== undefined)
      return `line ${odd.line + 1} is not, word for word, what nft prints of the rules that run: ${odd.text}`
    if (at !== -1) return `chain ${table} ${chain.name} has fewer rules than run now`
  }
  const more = chains.find(
    ({ table, name }) => !running.some((each) => each.table === table && each.chain.name === name),
  )
  return more === undefined ? null : `chain ${more.table} ${more.name} does not run now`
}

function othersIn({ rules }: FileChain): FileChain['rules'] {
  return rules.filter(({ text }) => !/ comment "ctfleet:notrack:[0-9a-f]{10}(-\d+)?"$/.test(text))
}

type Placed = Pick<FileChange, 'rules'>['rules'][number]

function placed(
  chain: FileChain,
  rules: readonly Rule[],
  edit: Edit,
  lines: readonly string[],
): { readonly insertions: readonly Insertion[]; readonly removed: readonly number[]; readonly rule: Placed } | null {
  const others = othersIn(chain)
  if (edit.action === 'remove') {
    const handle = (edit as Edit & { readonly handle?: number }).handle
    const at = rules.findIndex((rule) => rule.handle === handle)
    const line = others[at]?.line
    if (line === undefined) return null
    const rule: Placed = { action: 'remove', key: `line-${line + 1}`, line: lines[line] as string }
    return { insertions: [], removed: [line], rule }
  }
  const rule: Placed = { action: 'add', key: edit.key, line: edit.spec }
  if (chain.rules.some(({ text }) => text.includes(`"${edit.key}"`))) return { insertions: [], removed: [], rule }
  const byHandle = (handle: string | null) => rules.findIndex((each) => String(each.handle) === handle)
  const above = edit.after === null ? -1 : byHandle(edit.after)
  const below = edit.before === null ? rules.length : byHandle(edit.before)
  if (below !== above + 1 || (edit.after !== null && above === -1)) return null
  const at = above === -1 ? (others[0]?.line ?? chain.end) : (others[above]?.line ?? -2) + 1
  const indent = /^\s*/.exec(lines[others[0]?.line ?? chain.end] ?? '')?.[0] ?? ''
  const blank = others.length === 0 ? `${indent}\t` : indent
  return at < 0 ? null : { insertions: [{ at, lines: [`${blank}${edit.spec}`] }], removed: [], rule }
}
