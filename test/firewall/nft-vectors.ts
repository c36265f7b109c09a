import { filesBelow, textOf } from './corpus.ts'

/** One rule of nftables' own tests: its words, its statements as JSON text, and the family whose tables may hold it. */
export type Vector = { readonly path: string; readonly words: string; readonly family: string; readonly expr: string }

/** The files `*.t.json`: comments with a rule's words, each with a bare array of statements below. */
export function vectorsIn(at: string): readonly Vector[] {
  const paths = filesBelow(at, '02-vectors/nft-json').filter((path) => /\.t\.json(\.output)?$/.test(path))
  return paths.flatMap((path) => {
    const folder = /\/tests\/py\/(\w+)\//.exec(path)?.[1] ?? ''
    const family = folder === 'any' ? 'inet' : folder
    return textOf(at, path)
      .split(/^#/m)
      .flatMap((block) => {
        const [words = '', ...json] = block.split('\n')
        const expr = json.join('\n').trim()
        return expr === '' ? [] : [{ path, words: words.trim(), family, expr }]
      })
  })
}

/** The whole rule sets among the vectors, and those that iptables-nft made of real iptables rules. */
export function rulesetsIn(at: string): readonly string[] {
  const vectors = filesBelow(at, '02-vectors/nft-json').filter(
    (path) => path.endsWith('.json') && !path.endsWith('.t.json'),
  )
  const derived = filesBelow(at, '06-derived-nft').filter((path) => path.endsWith('.json'))
  return [...vectors, ...derived]
}

/** A rule set with one rule, in JSON. */
export function withOneRule(family: string, expr: string): string {
  const [table, chain] = [
    { family, name: 't' },
    { family, table: 't', name: 'c' },
  ]
  const rule = `{"rule":{"family":${JSON.stringify(family)},"table":"t","chain":"c","expr":${expr}}}`
  return `{"nftables":[{"table":${JSON.stringify(table)}},{"chain":${JSON.stringify(chain)}},${rule}]}`
}
