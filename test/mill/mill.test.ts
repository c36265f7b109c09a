import { availableParallelism } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { corpus, NO_CORPUS } from '../firewall/corpus.ts'
import { corpusCases } from './corpus-cases.ts'
import { millAll, whatIsMissing } from './lanes.ts'
import { type Case, findingsOf, mill } from './mill.ts'
import { randomCase } from './random-case.ts'
import { failureText, Tally } from './report.ts'
import { makeWorld, PLAIN } from './world.ts'

/**
 * Real kernels judge the whole of notrack: what real packets reach before a patch that is called safe, they reach after it, and
 * after its undo. Rule sets are real ones and random ones; CTFLEET_MILL_SEED and CTFLEET_MILL_SETS choose others.
 */
const missing = whatIsMissing()
const SEED = Number(process.env.CTFLEET_MILL_SEED ?? 1)
const SETS = Number(process.env.CTFLEET_MILL_SETS ?? 300)
/** Waiting for packets that never come is most of the work. */
const LANES = Math.max(4, availableParallelism() * 3)

beforeEach((context) => {
  if (missing !== null) context.skip(missing)
})

test('a patch without its twins is found out, for what it breaks', { timeout: 60_000 }, async () => {
  await using world = await makeWorld(99)
  const accept = (port: number) => `-A INPUT -p tcp -m tcp --dport ${port} -m conntrack --ctstate NEW -j ACCEPT`
  const established = '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
  const heads = [':INPUT DROP [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]']
  const text = `${['*filter', ...heads, '-A INPUT -i lo -j ACCEPT', established, accept(22), accept(8080), 'COMMIT'].join('\n')}\n`
  const given: Case = {
    name: 'a default drop with states',
    rules: [{ kind: 'legacy', family: 'ip', text }],
    service: { protocol: 'tcp', port: 8080 },
    other: 8081,
    guise: PLAIN,
    withSessions: true,
    rerun: '',
  }
  const whole = await mill(world, given)
  expect(whole).toMatchObject({ status: 'safe', broken: [], sessions: { open: 4, lost: [] } })
  const half = await mill(world, given, (live, service, on) => {
    const patch = notrackPatch(live, [service], on)
    return patch.safe ? { ...patch, edits: patch.edits.filter(({ table }) => table === 'raw') } : patch
  })
  expect(findingsOf(half)?.broken).toEqual([
    'applied: ip tcp near -> host:8080: was ok host:8080 to 198.18.1.2, became no answer',
    'applied: ip tcp near from port 8080 -> host:8080: was ok host:8080 to a bare address, became no answer',
    'applied: ip tcp far -> host:8080: was ok host:8080 to 198.18.2.2, became no answer',
  ])
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
    expect(tally.counts.native / tally.counts.safe).toBeGreaterThan(0.1)
    expect(tally.counts.forwarded / tally.counts.safe).toBeGreaterThan(0.05)
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
