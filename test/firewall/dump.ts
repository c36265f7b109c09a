import { parseRules } from '../../src/firewall/parse.ts'
import type { Backend, Family, LiveRules } from '../../src/firewall/rules.ts'

/** Live rules from chains written short: `filter INPUT DROP` opens a chain, lines below it are its rules. */
export function live(text: string, backend: Backend = 'legacy', family: Family = 'ip'): LiveRules {
  const tables = new Map<string, { heads: string[]; rules: string[] }>()
  let table = ''
  let chain = ''
  for (const line of text
    .split('\n')
    .map((each) => each.trim())
    .filter((each) => each !== '')) {
    const opened = /^(raw|mangle|nat|filter|security) (\S+)(?: (ACCEPT|DROP))?$/.exec(line)
    if (opened !== null) {
      table = opened[1] as string
      chain = opened[2] as string
      const into = tables.get(table) ?? { heads: [], rules: [] }
      into.heads.push(`:${chain} ${opened[3] ?? '-'} [0:0]`)
      tables.set(table, into)
    } else tables.get(table)?.rules.push(`-A ${chain} ${line}`)
  }
  const dump = [...tables]
    .map(([name, { heads, rules }]) => [`*${name}`, ...heads, ...rules, 'COMMIT', ''].join('\n'))
    .join('')
  const rules = parseRules(dump, family)
  if (!rules.known) throw new Error(rules.why)
  return { backend, rules: rules.value }
}
