import { expect, test } from 'vitest'
import { corpus, NO_CORPUS } from '../firewall/corpus.ts'
import { whatIsMissing } from './able.ts'
import type { Held } from './hold.ts'
import { holdReal, realSets } from './real.ts'
import { disagreementText, summaryOf } from './report.ts'
import { holdNativeSeed, holdSeed, withWorlds } from './seeds.ts'
import { PLAIN, World } from './world.ts'

/** Each seed is four rule sets: two families, each by both tools. */
const SEEDS = 36
const PACKETS = 200
/** Each is one rule set for both families. */
const NATIVE_SEEDS = 60
const NATIVE_PACKETS = 400
const first = Number(process.env.CTFLEET_KERNEL_SEED ?? 1)
const missing = await whatIsMissing()

test('the kernel counts packets at the rules where the model says that they match', {
  timeout: 400_000,
}, async (context) => {
  if (missing !== null) return context.skip(missing)
  const all: Held[] = []
  const wrong: string[] = []
  await withWorlds(async (worlds) => {
    for (let seed = first; seed < first + SEEDS; seed += 1) {
      for (const { name, held } of await holdSeed(worlds, seed, PACKETS)) {
        all.push(held)
        wrong.push(...textsOf(name, held, `npx tsx test/kernel/cli.ts --seed ${seed}`))
      }
    }
  })
  console.log(summaryOf(`seeds from ${first}`, all))
  expect(shown(wrong)).toBe('')
  // Rules that no packet ever reaches would agree about everything.
  expect(sum(all, ({ busy }) => busy)).toBeGreaterThan(sum(all, ({ comparisons }) => comparisons) / 10)
  expect(sum(all, ({ notTold, notSent }) => notTold + notSent)).toBeLessThan(sum(all, ({ packets }) => packets) / 4)
})

test("and so it does for rules in nft's own language", { timeout: 400_000 }, async (context) => {
  if (missing !== null) return context.skip(missing)
  const all: Held[] = []
  const wrong: string[] = []
  await using world = await World.open(PLAIN)
  for (let seed = first; seed < first + NATIVE_SEEDS; seed += 1) {
    const { name, held } = await holdNativeSeed(world, seed, NATIVE_PACKETS)
    all.push(held)
    wrong.push(...textsOf(name, held, `npx tsx test/kernel/cli.ts --native --seed ${seed}`))
  }
  console.log(summaryOf(`nft's own, seeds from ${first}`, all))
  expect(shown(wrong)).toBe('')
  expect(sum(all, ({ busy }) => busy)).toBeGreaterThan(sum(all, ({ comparisons }) => comparisons) / 10)
  expect(sum(all, ({ notTold, notSent }) => notTold + notSent)).toBeLessThan(sum(all, ({ packets }) => packets) / 4)
})

test('and so it does for real rule sets', { timeout: 400_000 }, async (context) => {
  if (missing !== null) return context.skip(missing)
  if (corpus === null) return context.skip(NO_CORPUS)
  const all: Held[] = []
  const wrong: string[] = []
  // A third of them, another one with another seed; the command line takes all.
  for (const set of realSets(corpus).filter((_, index) => index % 3 === first % 3)) {
    for (const found of await holdReal(set, first, PACKETS)) {
      if ('skipped' in found) continue
      all.push(found.held)
      wrong.push(...textsOf(found.name, found.held, `npx tsx test/kernel/cli.ts --real ${set.file} --seed ${first}`))
    }
  }
  console.log(summaryOf('real rule sets', all))
  expect(shown(wrong)).toBe('')
  expect(sum(all, ({ busy }) => busy)).toBeGreaterThan(0)
})

function textsOf(name: string, { disagreements }: Held, command: string): readonly string[] {
  if (disagreements.length === 0) return []
  const each = disagreements.map((one, index) => disagreementText(one, index === 0))
  return [`${name}\nalone: ${command}\n${each.join('\n')}`]
}

/** A few in full are read; hundreds are not. */
function shown(wrong: readonly string[]): string {
  const more = wrong.length > 4 ? [`and ${wrong.length - 4} more`] : []
  return [...wrong.slice(0, 4), ...more].join('\n\n')
}

function sum(all: readonly Held[], of: (held: Held) => number): number {
  return all.reduce((total, held) => total + of(held), 0)
}
