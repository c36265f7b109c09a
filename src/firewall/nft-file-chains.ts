import { known, type Reading, unknown } from '../model/reading.ts'

/**
 * A chain as a file for `nft -f` writes it, one rule a line. `base`: `filter input 0 DROP`, null for a chain that no hook
 * enters. `end`: the number of the line that closes it, from 0.
 */
export type FileChain = {
  readonly table: string
  readonly name: string
  readonly base: string | null
  readonly rules: readonly { readonly line: number; readonly text: string; readonly canonical: string }[]
  readonly end: number
}

/** Every chain of such a file, or the line that is more than this reads: what adds to chains from elsewhere, for one. */
export function nftChainsIn(lines: readonly string[]): Reading<readonly FileChain[]> {
  const open: string[] = []
  const chains: (FileChain & { readonly rules: FileChain['rules'][number][] })[] = []
  const bases = new Map<object, { base: string | null; policy: string }>()
  const tables = new Set<string>()
  for (const [at, raw] of lines.entries()) {
    const text = withoutComment(raw).trim()
    const odd = (why: string): Reading<never> => unknown(`line ${at + 1} ${why}: ${raw.trim().slice(0, 80)}`)
    if (text === '') continue
    if (text.endsWith('\\')) return odd('goes on below')
    const chain = open.length === 2 && open[1]?.startsWith('chain ') ? chains.at(-1) : undefined
    if (/^\};?$/.test(text)) {
      if (open.length === 0) return odd('closes what is not open')
      if (chain !== undefined) {
        const { base = null, policy = 'ACCEPT' } = bases.get(chain) ?? {}
        Object.assign(chain, { end: at, base: base === null ? null : `${base} ${policy}` })
      }
      open.pop()
    } else if (text.endsWith('{')) {
      const head = text.slice(0, -1).trim().replace(/\s+/g, ' ')
      if (open.length === 0) {
        const table = /^(?:add )?table (?:(ip|ip6|inet|arp|bridge|netdev) )?([A-Za-z_][\w.-]*)$/.exec(head)
        if (table === null) return odd('is not understood')
        const name = `${table[1] ?? 'ip'} ${table[2]}`
        if (tables.has(name)) return odd('opens a table again')
        tables.add(name)
        open.push(name)
        continue
      }
      const name = /^chain ([A-Za-z_][\w.-]*)$/.exec(head)?.[1]
      if (open.length === 1 && name !== undefined) {
        const table = open[0] as string
        if (chains.some((each) => each.table === table && each.name === name)) return odd('opens a chain again')
        chains.push({ table, name, base: null, rules: [], end: -1 })
      } else if (chain !== undefined) return odd('opens a block in a chain')
      open.push(head)
    } else if (chain !== undefined) {
      if (!isBalanced(text)) return odd('goes on below')
      const parts = text
        .split(/;(?=(?:[^"]*"[^"]*")*[^"]*$)/)
        .flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))
      for (const part of parts) {
        const base = /^type (\w+) hook (\w+)(?: device \S+)? priority (\S+(?: [+-] \d+)?)$/.exec(part)
        const policy = /^policy (accept|drop)$/.exec(part)?.[1]
        const known = bases.get(chain) ?? { base: null, policy: 'ACCEPT' }
        if (policy !== undefined) bases.set(chain, { ...known, policy: policy.toUpperCase() })
        else if (base !== null) {
          bases.set(chain, { ...known, base: `${base[1]} ${base[2]} ${priorityOf(base[3] as string)}` })
        } else if (parts.length > 1) return odd('holds more than one statement')
        else chain.rules.push({ line: at, text: part.replace(/\s+/g, ' '), canonical: canonical(part) })
      }
    } else if (open.length === 0 && !/^(flush ruleset|define \S+ *=.*)$/.test(text)) return odd('is a command')
  }
  return open.length > 0 ? unknown(`${open.at(-1)} is not closed`) : known(chains)
}

/** Two texts of one rule that differ only in blanks, quotes, counts and the order of sets are equal. */
export function canonical(rule: string): string {
  return rule
    .replace(/\s+/g, ' ')
    .replace(/"([A-Za-z0-9_.-]+)"/g, '$1')
    .replace(/\bcounter packets \d+ bytes \d+/g, 'counter')
    .replace(/\{([^{}]*)\}/g, (_, inside: string) => `{ ${sorted(inside)} }`)
    .replace(/\b[a-z]+(?:,[a-z]+)+\b/g, (list) => list.split(',').sort().join(','))
    .trim()
}

function sorted(inside: string): string {
  const items = inside.split(',').map((item) => item.trim())
  return items
    .filter((item) => item !== '')
    .sort()
    .join(', ')
}

const PRIORITIES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
}

function priorityOf(text: string): string {
  const [name = '', sign, more] = text.split(' ')
  const base = /^-?\d+$/.test(name) ? Number(name) : PRIORITIES[name]
  if (base === undefined) return text
  return String(base + (more === undefined ? 0 : Number(more) * (sign === '-' ? -1 : 1)))
}

function withoutComment(line: string): string {
  let quoted = false
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === '"') quoted = !quoted
    if (line[at] === '#' && !quoted) return line.slice(0, at)
  }
  return line
}

function isBalanced(text: string): boolean {
  const plain = text.replace(/"[^"]*"/g, '')
  return (plain.match(/\{/g) ?? []).length === (plain.match(/\}/g) ?? []).length
}
