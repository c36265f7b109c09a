import type { Allowance, CountsAs } from './budget.ts'
import type { Placed } from './order.ts'
import type { Wave } from './waves.ts'

/** How a fleet is changed: in which order, how far after failures, and what is asked in between. */
export type Discipline<H, R> = {
  readonly waves: readonly Wave<H>[]
  /** Of these waves; where more hosts may come later, `later` says it. */
  readonly allowance: Allowance
  /** Hosts of the run that failed before anything was changed; they count. */
  readonly failedBefore: readonly string[]
  /** A host is left alone once the other host of its pair failed. */
  readonly sparesPairs: boolean
  readonly countsAs: (result: R) => CountsAs
  /** Milliseconds between a wave's end and the questions to it. */
  readonly pauseMs: number
  /**
   * Called as a wave ends, for some of its hosts that ended well; what it gives is called after the pause, and says how the
   * host stands where it is well no more. Null where nobody is asked again.
   */
  readonly watch: ((host: H, result: R) => Promise<() => Promise<R | null>>) | null
  readonly onNews: (news: WaveNews) => void
  /** Waves that come after these, as a person says yes to more hosts; absent: these are all. */
  readonly later?: LaterWaves<H> | undefined
}

export type LaterWaves<H> = {
  /** Asked for when all others are through, and waited for; none ends the run. */
  readonly next: () => Promise<readonly Wave<H>[]>
  /**
   * More hosts for the first wave, of which nobody could reach some: waited for where none was reached, and none where nobody
   * fits. @param reached how many of the wave were
   */
  readonly instead: (reached: number, notPairedWith: readonly Placed[]) => Promise<readonly H[]>
  /** Hosts that the first of several waves would hold of those that came so far, gateways not counted. */
  readonly first: () => number
  /** What `next` gives now is all that will come. */
  readonly isOver: () => boolean
  /** Hosts that came so far, begun or not. */
  readonly total: () => number
  /** How many may fail of those that came so far, and how many if all come that still may. */
  readonly allowances: () => { readonly soFar: Allowance; readonly most: Allowance }
  /** Kept when more came, or will not come. */
  readonly changed: () => Promise<void>
  /** Told when no further host begins, and why. */
  readonly onStopped: (why: string) => void
}

export type WaveNews =
  /** `of`: null as long as nobody knows how many waves there will be. */
  | { readonly type: 'wave'; readonly number: number; readonly of: number | null; readonly hosts: number }
  /** Hosts of the first wave were not reachable, so others take their place. */
  | { readonly type: 'instead'; readonly missing: readonly string[]; readonly hosts: readonly string[] }
  | { readonly type: 'straggler'; readonly host: string }
  /** These hosts go alone, so those still at work have to end first. */
  | { readonly type: 'waiting'; readonly hosts: readonly string[]; readonly for: readonly string[] }
  | { readonly type: 'pause'; readonly ms: number; readonly hosts: readonly string[] }
  /** Nobody begins until more have a yes: of those that have one so far, too many failed. */
  | { readonly type: 'held'; readonly why: string }
  | { readonly type: 'stopped'; readonly why: string }
