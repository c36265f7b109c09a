import { parseArgs } from 'node:util'
import { corpus, NO_CORPUS } from '../firewall/corpus.ts'
import type { Held } from './hold.ts'
import { holdReal, realSets } from './real.ts'
import { disagreementText, summaryOf } from './report.ts'
import { holdNativeSeed, holdSeed, withWorlds } from './seeds.ts'
import { PLAIN, World } from './world.ts'

const USAGE = `npx tsx test/kernel/cli.ts --seed N [--count 1] [--packets 200]
npx tsx test/kernel/cli.ts --native --seed N [--count 1] [--packets 400]
npx tsx test/kernel/cli.ts --real PART-OF-A-NAME [--seed 1] [--packets 200]

  Holds the firewall model against the kernel: random rules and packets, all drawn from the seed, of iptables
  or of nft's own; or random packets through real rule sets (an empty name means all of them).`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string', default: '1' },
    packets: { type: 'string' },
    native: { type: 'boolean', default: false },
    real: { type: 'string' },
  },
})
const packets = Number(values.packets ?? (values.native ? 400 : 200))
if (values.real !== undefined) await real(values.real, Number(values.seed ?? 1))
else if (values.seed !== undefined) await (values.native ? native : seeds)(Number(values.seed), Number(values.count))
else {
  console.error(USAGE)
  process.exitCode = 2
}

async function seeds(first: number, count: number): Promise<void> {
  await withWorlds(async (worlds) => {
    const all: Held[] = []
    for (let seed = first; seed < first + count; seed += 1) {
      for (const { name, held } of await holdSeed(worlds, seed, packets)) {
        all.push(held)
        show(name, held)
      }
    }
    console.log(summaryOf(`seeds from ${first}`, all))
  })
}

async function native(first: number, count: number): Promise<void> {
  await using world = await World.open(PLAIN)
  const all: Held[] = []
  for (let seed = first; seed < first + count; seed += 1) {
    const { name, held } = await holdNativeSeed(world, seed, packets)
    all.push(held)
    show(name, held)
  }
  console.log(summaryOf(`nft's own, seeds from ${first}`, all))
}

async function real(part: string, seed: number): Promise<void> {
  if (corpus === null) throw new Error(NO_CORPUS)
  const all: Held[] = []
  let left = 0
  for (const set of realSets(corpus).filter(({ file }) => file.includes(part))) {
    for (const found of await holdReal(set, seed, packets)) {
      if ('skipped' in found) console.log(`${found.name}: skipped: ${found.skipped}`)
      else {
        left += found.left
        all.push(found.held)
        show(found.name, found.held)
      }
    }
  }
  console.log(`${summaryOf('real rule sets', all)}; ${left} rules left out that cannot be loaded here`)
}

function show(name: string, { disagreements }: Held): void {
  for (const [index, each] of disagreements.entries()) console.log(`\n${name} ${disagreementText(each, index === 0)}`)
  if (disagreements.length > 0) process.exitCode = 1
}
