import { percent } from '../diagnosis/numbers.ts'
import { dropsPerSecond, invalidPerSecond } from '../diagnosis/rates.ts'
import { conntrack } from '../facts/conntrack.ts'
import { counters, gap } from '../facts/counters.ts'
import type { ConntrackFacts, CounterFacts } from '../model/facts.ts'
import type { Fault } from '../model/fault.ts'
import type { DropsGate, GateOutcome, InvalidGate } from '../model/plan.ts'
import { unknown } from '../model/reading.ts'
import { bundle, unbundle } from '../shell/bundle.ts'
import { lines, sh } from '../shell/script.ts'
import type { Session } from '../transport/transport.ts'
import { faultOfOutcome, newNonce } from './facts-host.ts'

type RateGate = DropsGate | InvalidGate

/** What was seen of the rates; a fault is the link's or the host's, and says nothing about them. */
export type Watched = { readonly outcomes: readonly GateOutcome[] } | { readonly fault: Fault }

/** Reads the counters again and again until each rate was low enough once, or its time or the deadline is over. */
export async function watchRates(session: Session, gates: readonly RateGate[], deadline: number): Promise<Watched> {
  const outcomes = new Map<RateGate, GateOutcome>()
  const startedAt = Date.now()
  for (;;) {
    const waitedMs = Date.now() - startedAt
    const open = gates.filter((gate) => {
      const last = outcomes.get(gate)
      return last === undefined || (!last.held && waitedMs < gate.withinSeconds * 1000)
    })
    if (open.length === 0) break
    const left = deadline - Date.now()
    if (left < READING_MS) {
      for (const gate of open) outcomes.set(gate, tooLate(gate, outcomes.get(gate)))
      break
    }
    const read = await readRates(session, left)
    if ('fault' in read) return read
    for (const gate of open) outcomes.set(gate, judged(gate, read))
  }
  return { outcomes: gates.flatMap((gate) => outcomes.get(gate) ?? []) }
}

function tooLate({ gate }: RateGate, last: GateOutcome | undefined): GateOutcome {
  const message = 'the time to confirm was over before it could be told whether'
  const what = gate === 'drops' ? 'drops end' : 'INVALID packets stay few'
  return {
    gate,
    held: false,
    message: last === undefined ? `${message} ${what}` : `${last.message}; there was no time to wait for more`,
  }
}

/** Milliseconds that one reading takes at the least: two looks at the counters, two seconds apart. */
const READING_MS = 2500
const GAP_SECONDS = 2

const first = counters.probes.slice(0, 1)
const second = counters.probes.slice(1)
const SCRIPT = lines(
  sh`uid=$(id -u)`,
  bundle(first, { bytes: 262_144 }),
  bundle(conntrack.probes, { bytes: 262_144 }),
  gap,
  bundle(second, { bytes: 262_144 }),
)
const NAMES = [...first, ...conntrack.probes, ...second].map(({ name }) => name)

type Rates = { readonly counters: CounterFacts; readonly conntrack: ConntrackFacts }

async function readRates(session: Session, timeoutMs: number): Promise<Rates | { readonly fault: Fault }> {
  const nonce = newNonce()
  const outcome = await session.run(SCRIPT, { as: 'root', timeoutMs, arguments: [nonce, String(GAP_SECONDS)] })
  if ('refused' in outcome) return { fault: outcome.refused }
  const fault = faultOfOutcome(outcome, 'reading its counters')
  if (fault !== null) return { fault }
  const answers = unbundle('stdout' in outcome ? outcome.stdout : '', nonce, NAMES)
  const sections = (name: string) => answers.get(name) ?? unknown(`nothing asks for ${name}`)
  return { counters: counters.parse(sections), conntrack: conntrack.parse(sections) }
}

function judged(gate: RateGate, { counters, conntrack }: Rates): GateOutcome {
  // Where nothing is tracked any more nothing is dropped for a full table, and nothing is INVALID.
  if (conntrack.generation.known && conntrack.generation.value === 'none') {
    return { gate: gate.gate, held: true, message: 'nothing is tracked any more' }
  }
  const rate = gate.gate === 'drops' ? dropsPerSecond(counters) : invalidPerSecond(counters)
  const what = gate.gate === 'drops' ? 'dropped for want of room' : 'INVALID'
  if (!rate.known) {
    return { gate: gate.gate, held: false, message: `how many packets are ${what} is not known: ${rate.why}` }
  }
  const held = rate.value <= gate.mostPerSecond
  const { usage } = conntrack
  const seen = [
    `${gate.beforePerSecond} before the change`,
    ...(held ? [] : [gate.mostPerSecond === 0 ? 'none were expected' : `at most ${gate.mostPerSecond} were expected`]),
    ...(gate.gate === 'drops' && usage.known ? [`the table is ${percent(usage.value)} full`] : []),
  ]
  const message = `${rate.value} packets a second are ${what} (${seen.join(', ')})`
  return { gate: gate.gate, held, message, ...(gate.gate === 'drops' ? { seen: numbers(rate.value, conntrack) } : {}) }
}

function numbers(perSecond: number, { count, max }: ConntrackFacts): NonNullable<GateOutcome['seen']> {
  return { perSecond, ...(count.known && max.known ? { table: { entries: count.value, max: max.value } } : {}) }
}
