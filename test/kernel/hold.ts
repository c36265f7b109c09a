import { packetBytes } from './datagram.ts'
import type { Outcome, Prediction, Predictor, Shot } from './predict.ts'
import type { Flow } from './traffic.ts'
import type { Sending, World } from './world.ts'

/** What came of holding the model against the kernel for one rule set. */
export type Held = {
  readonly rules: number
  /** Packets sent, those of them that the model left something open about, and those it could say nothing of. */
  readonly packets: number
  readonly notTold: number
  readonly notSent: number
  /** Counters compared with a number, and with a range because the model left something open. */
  readonly comparisons: number
  readonly ranges: number
  /** Of the counters, those that counted something. */
  readonly busy: number
  readonly disagreements: readonly Disagreement[]
}

export type Disagreement = {
  readonly place: string
  readonly line: string
  readonly model: string
  readonly kernel: string
  /** The packets that show it, when a few alone do. */
  readonly packets: readonly Shot[]
  readonly saved: string
}

/** Rules that are held against the kernel, and the packets that do it. */
export type Subject = {
  readonly world: World
  readonly rules: number
  /** As the tool lists them. */
  readonly saved: string
  readonly flows: readonly { readonly flow: Flow; readonly predictor: Predictor }[]
  /** Puts the rules in place, with their counters at zero; null, or a complaint. */
  readonly load: () => Promise<string | null>
  readonly counters: () => Promise<ReadonlyMap<string, number>>
  readonly lineOf: (place: string) => string
}

/** Sends the packets through the rules and compares every counter. */
export async function hold(subject: Subject): Promise<Held> {
  const expected = subject.flows.map(({ flow, predictor }) => expect(predictor, flow))
  const contradictions = expected.flatMap(({ steps }) => steps.flatMap((step) => contradictionsOf(step, subject)))
  const told = expected.filter(({ steps }) => steps.length > 0 && steps.every(({ outcomes }) => outcomes.length === 1))
  const open = expected.filter((each) => each.steps.length > 0 && !told.includes(each))
  const exact = await compare(subject, told)
  const loose = open.length === 0 ? NOTHING : await compare(subject, open)
  return {
    rules: subject.rules,
    packets: sum([...told, ...open].map(({ steps }) => steps.length)),
    notTold: sum(open.map(({ steps }) => steps.filter(({ outcomes }) => outcomes.length > 1).length)),
    notSent: sum(expected.map(({ lost }) => lost)),
    comparisons: exact.comparisons + loose.comparisons,
    ranges: exact.ranges + loose.ranges,
    busy: exact.busy + loose.busy,
    disagreements: [...contradictions, ...exact.disagreements, ...loose.disagreements],
  }
}

type Step = Prediction & { readonly shot: Shot }
type Expected = { readonly steps: readonly Step[]; readonly lost: number }
type Compared = Pick<Held, 'comparisons' | 'ranges' | 'busy' | 'disagreements'>

const NOTHING: Compared = { comparisons: 0, ranges: 0, busy: 0, disagreements: [] }
/** More than a few tell a reader nothing new. */
const MOST_SHOWN = 5

/** A flow ends where what tracking makes of its next packet is no longer told. */
function expect(predictor: Predictor, flow: Flow): Expected {
  const steps: Step[] = []
  for (const [index, shot] of flow.entries()) {
    const { outcomes, contradictions } = predictor.shot(shot)
    if (outcomes.length === 0 || outcomes.some(({ answered }) => answered)) {
      return { steps, lost: outcomes.length === 0 && index === 0 ? 1 : 0 }
    }
    steps.push({ shot, outcomes, contradictions })
    if (outcomes.length > 1) break
  }
  return { steps, lost: 0 }
}

async function compare(subject: Subject, flows: readonly Expected[]): Promise<Compared> {
  const kernel = await counted(subject, flows)
  const ranges = rangesOf(flows)
  const wrong = differences(ranges, kernel)
  const places = [...kernel.keys()]
  const loose = places.filter((place) => ranges.get(place)?.[0] !== ranges.get(place)?.[1]).length
  const disagreements = wrong.length === 0 ? [] : await narrowed(subject, flows, wrong)
  const busy = places.filter((place) => kernel.get(place) !== 0).length
  return { comparisons: places.length - loose, ranges: loose, busy, disagreements }
}

/** By halves, until the differences have a few packets that show them. */
async function narrowed(
  subject: Subject,
  flows: readonly Expected[],
  wrong: readonly Difference[],
): Promise<readonly Disagreement[]> {
  if (flows.length <= 1) {
    return wrong.slice(0, MOST_SHOWN).map((each) =>
      described(
        subject,
        each,
        flows.flatMap(({ steps }) => steps.map(({ shot }) => shot)),
      ),
    )
  }
  const middle = flows.length >> 1
  const found: Disagreement[] = []
  for (const half of [flows.slice(0, middle), flows.slice(middle)]) {
    if (found.length >= MOST_SHOWN) break
    const here = differences(rangesOf(half), await counted(subject, half))
    if (here.length > 0) found.push(...(await narrowed(subject, half, here)))
  }
  return found.length > 0 ? found.slice(0, MOST_SHOWN) : wrong.map((each) => described(subject, each, []))
}

async function counted(
  { world, load, counters }: Subject,
  flows: readonly Expected[],
): Promise<ReadonlyMap<string, number>> {
  const complaint = await load()
  if (complaint !== null) throw new Error(`the rules cannot be loaded a second time: ${complaint}`)
  await world.forgetFlows()
  const rounds = Math.max(...flows.map(({ steps }) => steps.length), 0)
  for (let round = 0; round < rounds; round += 1) {
    await world.send(flows.flatMap(({ steps }, index) => sendingsOf(steps[round]?.shot, index * 8 + round)))
  }
  return await counters()
}

function sendingsOf(shot: Shot | undefined, id: number): readonly Sending[] {
  if (shot === undefined) return []
  const { datagram, from, interface: at, pieces } = shot
  return [{ family: datagram.family, from, interface: at, bytes: packetBytes(datagram, id + 1, pieces) }]
}

type Range = readonly [least: number, most: number]
type Difference = { readonly place: string; readonly range: Range; readonly kernel: number }

function rangesOf(flows: readonly Expected[]): ReadonlyMap<string, Range> {
  const ranges = new Map<string, Range>()
  for (const { outcomes } of flows.flatMap(({ steps }) => steps)) {
    const counts = outcomes.map(countsOf)
    for (const place of new Set(counts.flatMap((each) => [...each.keys()]))) {
      const [least, most] = ranges.get(place) ?? [0, 0]
      const here = counts.map((each) => each.get(place) ?? 0)
      ranges.set(place, [least + Math.min(...here), most + Math.max(...here)])
    }
  }
  return ranges
}

function countsOf({ counted }: Outcome): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const place of counted) counts.set(place, (counts.get(place) ?? 0) + 1)
  return counts
}

function differences(ranges: ReadonlyMap<string, Range>, kernel: ReadonlyMap<string, number>): readonly Difference[] {
  const places = new Set([...ranges.keys(), ...kernel.keys()])
  return [...places].flatMap((place) => {
    const range = ranges.get(place) ?? [0, 0]
    const packets = kernel.get(place) ?? -1
    return range[0] <= packets && packets <= range[1] ? [] : [{ place, range, kernel: packets }]
  })
}

function described(
  { saved, lineOf }: Subject,
  { place, range, kernel }: Difference,
  packets: readonly Shot[],
): Disagreement {
  const model = range[0] === range[1] ? String(range[0]) : `${range[0]} to ${range[1]}`
  return { place, line: lineOf(place), model, kernel: String(kernel), packets, saved }
}

function contradictionsOf({ shot, contradictions }: Step, { saved, lineOf }: Subject): readonly Disagreement[] {
  return contradictions.map(({ place, says }) => {
    return { place, line: lineOf(place), model: says, kernel: 'not asked', packets: [shot], saved }
  })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
