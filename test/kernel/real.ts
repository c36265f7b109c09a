import { parseRules } from '../../src/firewall/parse.ts'
import { printRules } from '../../src/firewall/print.ts'
import type { Family, RuleSet } from '../../src/firewall/rules.ts'
import { addressRanges } from '../../src/firewall/space.ts'
import { filesBelow, textOf } from '../firewall/corpus.ts'
import { isPlainUnicast } from './addresses.ts'
import { type Held, hold } from './hold.ts'
import { iptablesSubject } from './iptables.ts'
import { Random } from './random.ts'
import { BASE_CHAINS } from './rule-sets.ts'
import { type Guise, PLAIN, type Tool, World } from './world.ts'

/** What came of one real rule set: held against the kernel, or not, and why. */
export type RealCase =
  | { readonly name: string; readonly held: Held; readonly left: number }
  | { readonly name: string; readonly skipped: string }

export type RealSet = { readonly file: string; readonly family: Family; readonly text: string }

/** Every rule set of the corpus that a save tool printed, as far as the model can read it. */
export function realSets(corpus: string): readonly RealSet[] {
  return filesBelow(corpus, '01-iptables-save').flatMap((file) => {
    const text = textOf(corpus, file)
    if (!/^\*(raw|mangle|filter|security)\b/m.test(text)) return []
    const family = /ipv6-icmp|icmp6|ip6tables|::[0-9a-f:]*\/\d/i.test(text) ? 'ip6' : 'ip'
    return [{ file, family, text }]
  })
}

/** On a host with the names and addresses that the rules expect; nat is left out, since it makes other packets of ours. */
export async function holdReal(set: RealSet, seed: number, packets: number): Promise<readonly RealCase[]> {
  const rules = parseRules(set.text, set.family)
  const name = `${set.file}, ${set.family}`
  if (!rules.known) return [{ name, skipped: `the model cannot read it: ${rules.why}` }]
  const guise = guiseFor(rules.value)
  const found: RealCase[] = []
  for (const tool of ['legacy', 'nft'] as const) {
    await using world = await World.open(guise)
    const label = `${name}, ${tool}`
    const loaded = await loadable(world, rules.value, tool)
    if ('refused' in loaded) {
      found.push({ name: label, skipped: loaded.refused })
      continue
    }
    const given = { family: set.family, tool, rules: loaded.text }
    const subject = await iptablesSubject(world, given, new Random(seed), packets)
    found.push(
      'refused' in subject
        ? { name: label, skipped: subject.refused }
        : { name: label, held: await hold(subject), left: loaded.left },
    )
  }
  return found
}

/** Rules that this kernel or these tools do not take are left out one by one, as their complaints name them. */
async function loadable(
  world: World,
  rules: RuleSet,
  tool: Tool,
): Promise<{ readonly text: string; readonly left: number } | { readonly refused: string }> {
  let lines = withAllTables(rules).split('\n')
  for (let left = 0; left <= MOST_LEFT_OUT; left += 1) {
    const complaint = await world.load(rules.family, tool, lines.join('\n'))
    if (complaint === null) return { text: lines.join('\n'), left }
    const at = Number(/\bline:? (\d+)/.exec(complaint)?.[1] ?? 0) - 1
    if (!lines[at]?.startsWith('-A')) return { refused: complaint }
    lines = lines.filter((_, index) => index !== at)
  }
  return { refused: `more than ${MOST_LEFT_OUT} of its rules cannot be loaded here` }
}

function withAllTables(rules: RuleSet): string {
  const tables = Object.entries(BASE_CHAINS).map(([name, bases]) => {
    const chains = rules.tables.find((table) => table.name === name)?.chains ?? []
    const missing = bases.filter((base) => chains.every((chain) => chain.name !== base))
    return {
      name,
      chains: [...missing.map((base) => ({ name: base, policy: 'ACCEPT' as const, rules: [] })), ...chains],
    }
  })
  return printRules({ family: rules.family, tables })
}

function guiseFor(rules: RuleSet): Guise {
  const { family } = rules
  const tests = rules.tables.flatMap(({ chains }) =>
    chains.flatMap((chain) => chain.rules.flatMap(({ matches }) => matches.flatMap((match) => match.tests))),
  )
  const named = tests
    .filter(({ option }) => option === 'in' || option === 'out')
    .flatMap(({ values }) => values.map((value) => value.replace('+', '0')))
    .filter((name) => name !== 'lo' && /^[\w.-]{1,15}$/.test(name))
  const single = tests
    .filter(({ option }) => option === 'destination')
    .flatMap(({ values }) => addressRanges(values[0] ?? '', family) ?? [])
    .flatMap(([first, last]) => (first === last && isPlainUnicast(family, first) ? [first] : []))
  return {
    interfaces: mostCommon([...named, ...PLAIN.interfaces], 3),
    own: { ...PLAIN.own, [family]: [...new Set([...mostCommon(single, 2), ...PLAIN.own[family]])] },
  }
}

function mostCommon<T>(all: readonly T[], most: number): readonly T[] {
  const counts = new Map<T, number>()
  for (const each of all) counts.set(each, (counts.get(each) ?? 0) + 1)
  return [...counts]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, most)
    .map(([each]) => each)
}

const MOST_LEFT_OUT = 40
