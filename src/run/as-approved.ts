import type { Allowance } from './budget.ts'
import type { LaterWaves } from './discipline.ts'
import { type Placed, spread, takeApart } from './order.ts'
import { countOf, type Share, wavesOf } from './waves.ts'

/** Hosts that have a yes, as a person says it: they begin, wave by wave, while he is asked about the others. */
export type Gathering<H> = LaterWaves<H> & {
  /** These have a yes. */
  readonly add: (hosts: readonly H[]) => void
  /** This one will have none. */
  readonly drop: (host: H) => void
  /** Nobody else will have one. */
  readonly close: () => void
  /** True once somebody has a yes; false where it was closed before. */
  readonly any: () => Promise<boolean>
}

/** How large waves are, and how many of so many hosts may fail. */
export type Measure = { readonly sizes: readonly Share[]; readonly allowanceOf: (hosts: number) => Allowance }

/**
 * No wave is larger, and no more may fail, than if it were known already who has a yes in the end, whoever that may be: what
 * is allowed of two hundred says nothing where twelve of them come. The first one is the canary that it always is, and nobody
 * waits for a wave to be full. Gateways come when all have been asked about, since they go last.
 * @param planned hosts that may have a yes
 * @param onStopped hears why nobody begins any more, so that nobody is asked in vain
 */
export function gather<H extends Placed>(
  planned: readonly H[],
  { sizes, allowanceOf }: Measure,
  onStopped: (why: string) => void,
): Gathering<H> {
  let mayCome = countedOf(planned)
  let came = countedOf<H>([])
  let ready: readonly H[] = []
  let through = 0
  let isOver = false
  let change = newChange()
  const changed = () => {
    change.happen()
    change = newChange()
  }
  const until = async (holds: () => boolean) => {
    while (!isOver && !holds()) await change.happened
    // Who says the last yes says with the same breath that it was the last.
    await new Promise((resolve) => setImmediate(resolve))
  }
  /** Of those that are ready, `most` that are no pair with each other or with `others`; gateways stay. */
  const take = (most: number, others: readonly Placed[] = []): readonly H[] => {
    const waiting = spread(ready.filter(isOrdinary))
    const { taken } = takeApart(waiting, most, others)
    ready = ready.filter((host) => !taken.includes(host))
    through += taken.length
    return taken
  }
  const first = () => countOf(sizes[0] ?? { percent: 100 }, came.ordinary)
  return {
    add(hosts) {
      ready = [...ready, ...hosts]
      const more = countedOf(hosts)
      came = { all: came.all + more.all, ordinary: came.ordinary + more.ordinary }
      changed()
    },
    drop(host) {
      const less = countedOf([host])
      mayCome = { all: mayCome.all - less.all, ordinary: mayCome.ordinary - less.ordinary }
      changed()
    },
    close() {
      isOver = true
      mayCome = came
      changed()
    },
    async any() {
      await until(() => ready.length > 0)
      return ready.length > 0
    },
    async next() {
      await until(() => ready.some(isOrdinary))
      if (isOver) {
        const waves = wavesOf(ready, sizes, through)
        ready = []
        return waves
      }
      const most = leastEnd(sizes, { through, came: came.ordinary, mayCome: mayCome.ordinary }) - through
      return [{ hosts: take(most), alone: false }]
    },
    async instead(reached, notPairedWith) {
      if (reached === 0) await until(() => takeApart(ready.filter(isOrdinary), 1, notPairedWith).taken.length > 0)
      return take(Math.max(0, first() - reached), notPairedWith)
    },
    first: () => (sizes.length > 1 ? first() : 0),
    isOver: () => isOver,
    total: () => came.all,
    allowances: () => ({ soFar: allowanceOf(came.all), most: allowanceOf(mayCome.all) }),
    changed: () => change.happened,
    onStopped,
  }
}

type Counted = { readonly all: number; readonly ordinary: number }

function countedOf<H extends Placed>(hosts: readonly H[]): Counted {
  return { all: hosts.length, ordinary: hosts.filter(isOrdinary).length }
}

/** A percentage counts no gateway. */
function isOrdinary({ gateway }: Placed): boolean {
  return gateway !== true
}

/**
 * How many may be through when the next wave is over, whoever else comes. The size that comes next ends a wave there or
 * later; one that is behind those who came, but not behind all who may come, may end one just ahead.
 */
function leastEnd(
  sizes: readonly Share[],
  { through, came, mayCome }: { readonly through: number; readonly came: number; readonly mayCome: number },
): number {
  const next = sizes.find((size) => countOf(size, mayCome) > through)
  return Math.max(through + 1, next === undefined ? came : countOf(next, came))
}

function newChange(): { readonly happened: Promise<void>; readonly happen: () => void } {
  let happen = () => {}
  const happened = new Promise<void>((resolve) => {
    happen = resolve
  })
  return { happened, happen }
}
