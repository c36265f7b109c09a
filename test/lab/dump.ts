/**
 * Makes two dumps of an unchanged host equal: counters, handles, comments and timestamps go, and so does what is the same
 * as nothing: an empty chain that accepts, and a table with nothing else in it.
 */
export function normaliseDump(raw: string): string {
  return raw
    .split(/^(?=@@ )/m)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n')
      if (title.startsWith('@@ legacy') || title.startsWith('@@ xtables-nft')) return join(title, normaliseSave(lines))
      if (title === '@@ nft') return join(title, normaliseRuleset(lines))
      return join(title, lines)
    })
    .join('')
}

/** iptables-save: what is left of a table is its rules, its own chains, and policies other than ACCEPT. */
function normaliseSave(lines: readonly string[]): string[] {
  const tables = new Map<string, string[]>()
  let table: string[] = []
  for (const line of lines) {
    if (line.startsWith('*')) {
      table = []
      tables.set(line, table)
    } else if (line !== '' && line !== 'COMMIT' && !line.startsWith('#') && !/^:\S+ ACCEPT/.test(line)) {
      table.push(line.replace(/^(:\S+ \S+) \[\d+:\d+\]$/, '$1').replace(/^\[\d+:\d+\] /, ''))
    }
  }
  // nft remembers the order in which tables were made, which says nothing.
  return [...tables]
    .filter(([, left]) => left.length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, left]) => [name, ...left])
}

/** `nft list ruleset`: base chains that accept and hold no rule go, then tables that hold nothing. */
function normaliseRuleset(lines: readonly string[]): string[] {
  const text = lines
    .filter((line) => !line.trimStart().startsWith('#'))
    .map((line) => line.replace(/ # handle \d+$/, '').replace(/counter packets \d+ bytes \d+/g, 'counter'))
    .join('\n')
  const withoutIdleChains = text.replace(/^\tchain \S+ \{\n\t\ttype [^\n]*policy accept;\n\t\}\n+/gm, '')
  const tables = withoutIdleChains.split(/^(?=table )/m).map((table) => table.trimEnd())
  return tables
    .filter((table) => table !== '' && !/^table [^{]*\{\s*\}$/.test(table))
    .sort()
    .flatMap((table) => table.split('\n'))
}

function join(title: string, lines: readonly string[]): string {
  return `${[title, ...lines.filter((line) => line !== '')].join('\n')}\n`
}
