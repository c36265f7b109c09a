import { describe, expect, test } from 'vitest'
import { parseRules } from '../../src/firewall/parse.ts'
import { printRules } from '../../src/firewall/print.ts'
import type { Family } from '../../src/firewall/rules.ts'
import { corpus, filesBelow, NO_CORPUS, textOf } from './corpus.ts'

/** A rule of iptables' own tests, as a dump with nothing else in it. */
type Vector = { readonly at: string; readonly family: Family; readonly dump: string }

describe('rules of iptables’ own tests parse, print and parse to the same', () => {
  test('extensions/*.t: each rule that loads, and the form it is listed in', (context) => {
    if (corpus === null) return context.skip(NO_CORPUS)
    const from = corpus
    const files = filesBelow(from, '02-vectors/iptables-ext-t').filter((path) => /lib(xt|ipt|ip6t)_\w+\.t$/.test(path))
    holdFor(files.flatMap((path) => rulesOfTests(path, textOf(from, path))))
  })

  test('extensions/*.txlate: each rule that is translated', (context) => {
    if (corpus === null) return context.skip(NO_CORPUS)
    const from = corpus
    const files = filesBelow(from, '02-vectors/iptables-ext-txlate')
    holdFor(files.flatMap((path) => rulesOfTranslations(path, textOf(from, path))))
  })
})

function holdFor(vectors: readonly Vector[]): void {
  const broken = vectors.flatMap(({ at, family, dump }) => {
    const rules = parseRules(dump, family)
    if (!rules.known) return [`${at}: ${rules.why}`]
    const again = parseRules(printRules(rules.value), family)
    return JSON.stringify(again) === JSON.stringify(rules) ? [] : [`${at}: prints as another rule`]
  })
  console.log(`${vectors.length - broken.length} of ${vectors.length} rules`)
  expect(broken).toEqual([])
  expect(vectors.length).toBeGreaterThan(100)
}

/** Lines `rule;listed as;OK`, under a line `:INPUT,FORWARD` of chains and perhaps `*table`; `=` is the rule as it was given. */
function rulesOfTests(path: string, text: string): readonly Vector[] {
  let table = 'filter'
  let chains: readonly string[] = []
  const family = /libip6t_/.test(path) ? 'ip6' : 'ip'
  return text.split('\n').flatMap((line, index): Vector[] => {
    if (line.startsWith(':'))
      chains = line
        .slice(1)
        .split(',')
        .map((name) => name.replace(/^\*.*/, ''))
        .filter((name) => name !== '')
    if (line.startsWith('*')) table = line.slice(1)
    const [rule = '', listed = '', result] = line.split(';')
    if (line.startsWith('#') || result?.trim() !== 'OK') return []
    return [rule, ...(listed === '=' ? [] : [listed])].flatMap((spec) =>
      chains.map((chain) => ({
        at: `${path}:${index + 1} ${chain}`,
        family,
        dump: `*${table}\n-A ${chain} ${spec}\nCOMMIT\n`,
      })),
    )
  })
}

/** Lines `iptables-translate [-t table] -A CHAIN …`, each before its translation. */
function rulesOfTranslations(path: string, text: string): readonly Vector[] {
  return text.split('\n').flatMap((line, index): Vector[] => {
    const found = /^(ip6?tables)(?:-translate)? (?:-t (\w+) )?-[AI] \S+ (.*)$/.exec(line)
    const [, tool, table = 'filter', spec] = found ?? []
    if (spec === undefined) return []
    return [
      {
        at: `${path}:${index + 1}`,
        family: tool === 'ip6tables' ? 'ip6' : 'ip',
        // A translation needs no chain; OUTPUT is in every table.
        dump: `*${table}\n-A OUTPUT ${spec}\nCOMMIT\n`,
      },
    ]
  })
}
