import type { Family } from '../../src/firewall/rules.ts'
import { type Held, hold } from './hold.ts'
import { iptablesSubject } from './iptables.ts'
import { nativeSubject } from './native.ts'
import { randomNftRules } from './nft-rule-sets.ts'
import { Random } from './random.ts'
import { randomRuleSet } from './rule-sets.ts'
import { PLAIN, type Tool, World } from './world.ts'

export type Worlds = Readonly<Record<Tool, World>>
export type HeldCase = { readonly name: string; readonly held: Held }

/** A namespace for each tool's rules, since the kernel asks both where both are. */
export async function withWorlds<T>(work: (worlds: Worlds) => Promise<T>): Promise<T> {
  await using legacy = await World.open(PLAIN)
  await using nft = await World.open(PLAIN)
  return await work({ legacy, nft })
}

/** The rule sets of one seed, one a family, each by both tools and with the same packets. */
export async function holdSeed(worlds: Worlds, seed: number, packets: number): Promise<readonly HeldCase[]> {
  const found: HeldCase[] = []
  for (const family of ['ip', 'ip6'] as const satisfies readonly Family[]) {
    const rules = randomRuleSet(new Random(seed), family, PLAIN)
    for (const tool of ['legacy', 'nft'] as const) {
      const name = `seed ${seed}, ${family}, ${tool}`
      const subject = await iptablesSubject(worlds[tool], { family, tool, rules }, new Random(seed ^ 0x5eed), packets)
      if ('refused' in subject) throw new Error(`${name}: not taken: ${subject.refused}\n${rules}`)
      found.push({ name, held: await hold(subject) })
    }
  }
  return found
}

/** The rule set of one seed in nft's own language, which serves both families; in a namespace without other rules. */
export async function holdNativeSeed(world: World, seed: number, packets: number): Promise<HeldCase> {
  const name = `seed ${seed}, nft's own`
  const rules = randomNftRules(new Random(seed), PLAIN)
  const subject = await nativeSubject(world, rules, new Random(seed ^ 0x5eed), packets)
  if ('refused' in subject) throw new Error(`${name}: not taken: ${subject.refused}\n${rules}`)
  return { name, held: await hold(subject) }
}
