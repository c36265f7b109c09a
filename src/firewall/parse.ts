import { known, type Reading, unknown } from '../model/reading.ts'
import { parseRule } from './parse-rule.ts'
import type { Chain, Family, Rule, RuleSet, Table } from './rules.ts'

/**
 * Reads what iptables-save, iptables-nft-save or their IPv6 twins printed. Total: text that is damaged (cut, two dumps in
 * one, a prompt in between) is unknown, with line and cause, since a rule that was lost may be the one that decides.
 */
export function parseRules(text: string, family: Family): Reading<RuleSet> {
  const tables: Table[] = []
  let open: OpenTable | null = null

  for (const [index, line] of text.split('\n').entries()) {
    const fail = (cause: string) => unknown(`line ${index + 1}: ${cause}`)
    const trimmed = line.replace(/\s+$/, '').replace(/^\s+/, '')
    if (trimmed === '') continue
    if (trimmed.startsWith('#')) {
      // iptables-nft-save says so in a comment, and leaves the table out.
      if (/is incompatible, use 'nft' tool/.test(trimmed))
        return fail(`the save tool could not print a table: ${trimmed}`)
      continue
    }
    if (trimmed.startsWith('*')) {
      const name = trimmed.slice(1)
      if (open !== null) return fail(`table ${name} begins before table ${open.name} ends with COMMIT`)
      if (!/^[\w-]+$/.test(name)) return fail(`not a table's name: ${shown(name)}`)
      if (tables.some((table) => table.name === name)) return fail(`table ${name} comes a second time`)
      open = { name, chains: new Map() }
    } else if (open === null) {
      return fail(`expected a table (*name), found ${shown(trimmed)}`)
    } else if (trimmed === 'COMMIT') {
      tables.push({ name: open.name, chains: [...open.chains.values()] })
      open = null
    } else if (trimmed.startsWith(':')) {
      const declared = chainAt(trimmed)
      if (declared === null) return fail(`not a chain: ${shown(trimmed)}`)
      if (open.chains.has(declared.name)) return fail(`chain ${declared.name} comes a second time`)
      open.chains.set(declared.name, declared)
    } else {
      const appended = /^(?:\[\d+:\d+\]\s*)?(?:-A|--append)\s+(\S+)(?:\s+(.*))?$/.exec(trimmed)
      if (appended === null) return fail(`expected a rule (-A chain …), found ${shown(trimmed)}`)
      const chain = open.chains.get(appended[1] as string)
      if (chain === undefined) return fail(`no chain ${shown(appended[1] as string)} in table ${open.name}`)
      const rule = parseRule(appended[2] ?? '')
      if (!rule.known) return fail(`${rule.why}: ${shown(trimmed)}`)
      chain.rules.push(rule.value)
    }
  }
  if (open !== null) return unknown(`the text ends before table ${open.name} does: no COMMIT`)
  return known({ family, tables })
}

type OpenTable = { readonly name: string; readonly chains: Map<string, OpenChain> }
type OpenChain = Chain & { readonly rules: Rule[] }

function chainAt(line: string): OpenChain | null {
  const found = /^:(\S+)\s+(ACCEPT|DROP|-)(?:\s+\[\d+:\d+\])?$/.exec(line)
  if (found === null) return null
  const policy = found[2] === '-' ? null : (found[2] as 'ACCEPT' | 'DROP')
  return { name: found[1] as string, policy, rules: [] }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
