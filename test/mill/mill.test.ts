import { availableParallelism } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { corpus, NO_CORPUS } from '../firewall/corpus.ts'
import { corpusCases } from './corpus-cases.ts'
import { millAll, whatIsMissing } from './lanes.ts'
import type { Case } from './mill.ts'
import { randomCase } from './random-case.ts'
import { failureText, Tally } from './report.ts'

/**
 * Real kernels judge the whole of notrack: what real packets reach before a patch that is called safe, they reach after it, and
 * after its undo. Rule sets are real ones and random ones; CTFLEET_MILL_SEED and CTFLEET_MILL_SETS choose others.
 */
const missing = whatIsMissing()
const SEED = Number(process.env.CTFLEET_MILL_SEED ?? 1)
const SETS = Number(process.env.CTFLEET_MILL_SETS ?? 200)
/** Waiting for packets that never come is most of the work. */
const LANES = Math.max(4, availableParallelism() * 3)

beforeEach((context) => {
  if (missing !== null) context.skip(missing)
})

describe('a patch that is called safe changes nothing that real packets reach, and neither does its undo', () => {
  let tally: Tally
  afterEach(() => tally && console.log(tally.text()))

  test('under real rule sets', { timeout: 600_000 }, async (context) => {
    if (corpus === null) return context.skip(NO_CORPUS)
    // The other half belongs to the next seed; `test/mill/cli.ts --corpus` takes them all.
    tally = await milled(corpusCases(corpus).filter((_, at) => at % 2 === SEED % 2))
    expect(tally.failures.map(failureText)).toEqual([])
    expect(tally.counts.safe).toBeGreaterThan(50)
    expect(tally.counts.serviceOpen).toBeGreaterThan(20)
  })

  test(`under random rule sets, seeds ${SEED} to ${SEED + SETS - 1}`, { timeout: 600_000 }, async () => {
    tally = await milled(Array.from({ length: SETS }, (_, at) => randomCase(SEED + at)))
    expect(tally.failures.map(failureText)).toEqual([])
    // A generator whose sets are all refused, or let nothing through, would prove nothing.
    expect(tally.counts.safe / tally.counts.sets).toBeGreaterThan(0.3)
    expect(tally.counts.serviceOpen / tally.counts.safe).toBeGreaterThan(0.3)
  })
})

async function milled(cases: readonly Case[]): Promise<Tally> {
  const tally = new Tally()
  await millAll(cases, LANES, (given, result) => {
    tally.add(given, result)
    return tally.failures.length < 5
  })
  return tally
}
