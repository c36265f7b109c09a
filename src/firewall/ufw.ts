import { known, type Reading, unknown } from '../model/reading.ts'
import type { Edit } from './edits.ts'
import { parseRules } from './parse.ts'
import { type Chain, type Family, type Rule, type RuleSet, siteOf, type Table } from './rules.ts'

/**
 * The rules that ufw makes of its before.rules: that file's chains as they are written, in between the rest of ufw's, which it
 * keeps by itself and which are taken from what runs. Nobody else's are in there. Unknown where ufw's own do not run.
 * @param file null: ufw leaves this family alone, but for closing it
 */
export function ufwRules(file: RuleSet | null, running: RuleSet): Reading<RuleSet> {
  const { family } = running
  if (file === null) return parseRules(CLOSED, family)
  const own = prefixOf(family)
  const filter = running.tables.find(({ name }) => name === 'filter')?.chains ?? []
  const written = file.tables.find(({ name }) => name === 'filter')?.chains ?? []
  const chains: Chain[] = written.filter(({ name, policy }) => policy === null && !name.startsWith(own))
  for (const chain of filter) {
    const mine = written.find(({ name }) => name === chain.name)?.rules ?? []
    if (chain.policy !== null) {
      const policy = policyIn(filter, `${own}skip-to-policy-${chain.name.toLowerCase()}`)
      if (policy === null) return unknown("ufw's own rules do not run here as ufw makes them")
      chains.push({ ...chain, policy, rules: [...chain.rules.filter((rule) => leadsTo(rule, own)), ...mine] })
    } else if (isWritten(chain.name, written)) {
      // The user's chains are hooked in below what the file holds.
      chains.push({ ...chain, rules: [...mine, ...chain.rules.filter((rule) => leadsTo(rule, `${own}user-`))] })
    } else if (chain.name.startsWith(own)) chains.push(chain)
  }
  const missing = written.find(({ name }) => chains.every((chain) => chain.name !== name))
  if (missing !== undefined) return unknown(`chain ${missing.name} does not run here`)
  const tables: readonly Table[] = [{ name: 'filter', chains }, ...file.tables.filter(({ name }) => name !== 'filter')]
  return known({ family, tables })
}

/** Edits of these rules as edits of the file alone; unknown where one is in a chain that the file does not make anew. */
export function inBeforeRules(edits: readonly Edit[], file: RuleSet): Reading<readonly Edit[]> {
  const own = prefixOf(file.family)
  const written = file.tables.find(({ name }) => name === 'filter')?.chains ?? []
  const elsewhere = edits.find(({ table, chain }) => table !== 'filter' || !isWritten(chain, written))
  if (elsewhere !== undefined) {
    return unknown(`an accept is needed in chain ${elsewhere.chain}, which ufw fills from elsewhere`)
  }
  const hook = `-j ${own}user-`
  return known(edits.map((edit) => (edit.before?.startsWith(hook) ? { ...edit, before: null } : edit)))
}

/** What stands before tracking in the file by somebody else's hand; each reload of ufw adds it once more. */
export function rawRuleIn(file: RuleSet): string | null {
  for (const { name, chains } of file.tables.filter((table) => table.name === 'raw')) {
    for (const chain of chains) for (const rule of chain.rules) return siteOf(name, chain.name, rule)
  }
  return null
}

/** With IPv6 switched off ufw closes it. */
const CLOSED = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A OUTPUT -o lo -j ACCEPT
COMMIT
`

function prefixOf(family: Family): string {
  return family === 'ip' ? 'ufw-' : 'ufw6-'
}

/** Chains that ufw fills itself or from its other files stay its own, even where this file names them. */
function isWritten(chain: string, written: readonly Chain[]): boolean {
  const others = /^ufw6?-(?:user|after|before-logging|logging|reject|track|skip-to-policy)\b/
  return !others.test(chain) && written.some(({ name, policy }) => name === chain && policy === null)
}

function leadsTo({ target }: Rule, prefix: string): boolean {
  return target?.name.startsWith(prefix) === true
}

/** What runs as policy may have been changed by hand; this chain ufw makes from its settings. */
function policyIn(chains: readonly Chain[], name: string): 'ACCEPT' | 'DROP' | null {
  const target = chains.find((chain) => chain.name === name)?.rules[0]?.target?.name
  if (target === undefined) return null
  return target === 'ACCEPT' ? 'ACCEPT' : 'DROP'
}
