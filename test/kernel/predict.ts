import type { BaseChain } from '../../src/firewall/bases.ts'
import { basesOn, rawBasesOn } from '../../src/firewall/bases.ts'
import type { Packet } from '../../src/firewall/packet.ts'
import { chainOf } from '../../src/firewall/rules.ts'
import type { Datagram } from './datagram.ts'
import { ask, type Contradiction, type Model } from './model.ts'
import type { Seen } from './seen.ts'
import { type Tracked, Tracker } from './tracking.ts'
import { type Guise, routeOf } from './world.ts'

/** A packet on its way into the host, or out of it. */
export type Shot = {
  readonly datagram: Datagram
  readonly from: 'wire' | 'host'
  /** Where it comes in; for the host's own, where it goes out. */
  readonly interface: string
  readonly pieces: 'whole' | 'two' | 'later'
}

/** One possible way through all chains: every place that counts it, once for each time it does. */
export type Outcome = {
  readonly counted: readonly string[]
  /** `gone`: it reached its place or went nowhere for another reason than a rule. */
  readonly end: 'accept' | 'drop' | 'gone'
  /** A rule made the host answer its own packet, and that answer would be counted too. */
  readonly answered: boolean
}

/** One outcome where the model tells, several where it leaves something open, none where it leaves too much open. */
export type Prediction = { readonly outcomes: readonly Outcome[]; readonly contradictions: readonly Contradiction[] }

/** What the rules count of packets that are sent in this order. */
export class Predictor {
  readonly #model: Model
  readonly #guise: Guise
  readonly #tracker = new Tracker()
  readonly #tracking: boolean
  #contradictions: Contradiction[] = []

  /** `tracking`: some rule makes the kernel track connections, and so put fragments together before any rule sees them. */
  constructor(model: Model, guise: Guise, tracking: boolean) {
    this.#model = model
    this.#guise = guise
    this.#tracking = tracking
  }

  shot(shot: Shot): Prediction {
    this.#contradictions = []
    const outcomes = this.#outcomes(shot)
    return { outcomes, contradictions: this.#contradictions }
  }

  #outcomes(shot: Shot): readonly Outcome[] {
    const { datagram } = shot
    const legs = this.#legsOf(shot)
    if (shot.pieces !== 'whole' && this.#tracking) {
      if (shot.pieces === 'later') return [GONE]
    } else if (shot.pieces !== 'whole') return this.#inPieces(shot, legs[0] as Leg)
    let going: readonly Going[] = [START]
    for (const leg of legs) going = this.#throughLeg(leg, datagram, going)
    const [only] = going
    if (going.length === 1 && only?.end === 'accept' && only.tracked !== null && legs.every(({ dead }) => !dead)) {
      this.#tracker.passed(datagram, only.tracked)
    }
    return going.map(({ counted, end, answered }) => ({ counted, end, answered }))
  }

  /** Without tracking each piece goes its own way, but IPv4 puts them together before INPUT. */
  #inPieces(shot: Shot, leg: Leg): readonly Outcome[] {
    const { datagram } = shot
    const pieces = shot.pieces === 'two' ? [false, true] : [true]
    const joined = datagram.family === 'ip' && leg.path === 'in'
    const inFront = { ...leg, bases: leg.bases.filter((base) => this.#isInFront(base)) }
    const ends: Going[] = []
    for (const piece of pieces) {
      const found = this.#throughLeg(joined ? inFront : leg, datagram, [START], piece)
      if (found.length !== 1) return []
      ends.push(found[0] as Going)
    }
    const counted = ends.flatMap((each) => each.counted)
    if (joined && !leg.dead && pieces.length === 2 && ends.every(({ end }) => end === 'accept')) {
      const behind = { ...leg, raw: [], bases: leg.bases.filter((base) => !this.#isInFront(base)) }
      const found = this.#throughLeg(behind, datagram, [START])
      if (found.length !== 1) return []
      counted.push(...(found[0] as Going).counted)
    }
    return [{ counted, end: 'gone', answered: false }]
  }

  #throughLeg(leg: Leg, datagram: Datagram, from: readonly Going[], piece = false): readonly Going[] {
    const { own } = this.#guise
    const local = (address: bigint) => own[datagram.family].includes(address) || address === LOOPBACK[datagram.family]
    const seen = (tracked: Tracked | null): Seen => ({
      datagram,
      path: leg.path,
      in: leg.in,
      out: leg.out,
      state: tracked?.state ?? 'raw',
      direction: tracked?.direction ?? null,
      local: { source: local(datagram.source), destination: local(datagram.destination) },
      piece,
    })
    let going = from
    for (const base of leg.raw) going = this.#through(base, () => seen(null), going)
    going = going.map((each) => (each.end === 'accept' ? { ...each, tracked: this.#tracked(datagram, each) } : each))
    for (const base of leg.bases) going = this.#through(base, ({ tracked }) => seen(tracked), going)
    return going.map((each) =>
      leg.path === 'out' && /^reject$/i.test(each.by) && each.end === 'drop' ? { ...each, answered: true } : each,
    )
  }

  /** Of prerouting, where the packet's way is not found yet. */
  #isInFront({ table, chain }: BaseChain): boolean {
    const at = chainOf(this.#model.live.rules, table, chain)?.hook?.at ?? chain.toLowerCase()
    return at === 'prerouting'
  }

  #through(base: BaseChain, seen: (going: Going) => Seen, from: readonly Going[]): readonly Going[] {
    const to = from.flatMap((going) => {
      if (going.end !== 'accept') return [going]
      const { ways, contradictions } = ask(this.#model, base, seen(going))
      this.#contradictions.push(...contradictions)
      return ways.map(
        (way): Going => ({
          ...going,
          counted: [...going.counted, ...way.counted],
          end: way.end,
          by: way.by,
          notrack: going.notrack || way.notrack,
        }),
      )
    })
    // A way that got lost makes all of them worth nothing.
    return to.length < from.length || to.length > MOST_OUTCOMES ? [] : to
  }

  /** On loopback a packet brings along what its way out made of it, but for one that was invalid. */
  #tracked(datagram: Datagram, { tracked, notrack }: Going): Tracked {
    if (tracked !== null && tracked.state !== 'INVALID') return tracked
    return notrack ? { state: 'UNTRACKED', direction: null } : this.#tracker.met(datagram)
  }

  #legsOf({ datagram, from, interface: at }: Shot): readonly Leg[] {
    const { live } = this.#model
    const leg = (path: Packet['path'], ends: { in: string; out: string }): Leg => {
      return { path, ...ends, raw: rawBasesOn(live, path), bases: basesOn(live, path), dead: false }
    }
    const { family, destination, ttl } = datagram
    if (from === 'host') {
      const out = leg('out', { in: '', out: at })
      return at === 'lo' ? [out, leg('in', { in: 'lo', out: '' })] : [out]
    }
    if (this.#guise.own[family].includes(destination)) return [leg('in', { in: at, out: '' })]
    const forward = leg('forward', { in: at, out: routeOf(this.#guise, family, destination) })
    if (ttl > 1) return [forward]
    // It dies at the first hop, before FORWARD.
    return [{ ...forward, bases: forward.bases.filter((base) => this.#isInFront(base)), dead: true }]
  }
}

type Leg = {
  readonly path: Packet['path']
  readonly in: string
  readonly out: string
  readonly raw: readonly BaseChain[]
  readonly bases: readonly BaseChain[]
  readonly dead: boolean
}

type Going = Outcome & { readonly by: string; readonly notrack: boolean; readonly tracked: Tracked | null }

const MOST_OUTCOMES = 64
const GONE: Outcome = { counted: [], end: 'gone', answered: false }
const START: Going = { counted: [], end: 'accept', answered: false, by: '', notrack: false, tracked: null }
export const LOOPBACK = { ip: 0x7f000001n, ip6: 1n } as const
