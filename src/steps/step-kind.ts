import type { z } from '../input/schema.ts'
import type { Impossible } from '../model/change.ts'
import type { Json } from '../model/json.ts'
import type { Reading } from '../model/reading.ts'
import type { Script } from '../shell/script.ts'

/**
 * A kind of thing that ctfleet can change on a host: a state, and one function between states.
 * Undo is `transition` with its arguments swapped, verify is the probe again, idempotent means `goal` equals `now`.
 */
export type StepKindSpec<Want, State extends Json> = {
  readonly kind: string
  readonly summary: string
  /** When it takes effect: at once, or by files that are renamed into place after the confirmation. */
  readonly phase: 'runtime' | 'persist'
  /** Checks a playbook's input and makes the published JSON Schema. */
  readonly want: z.ZodType<Want>
  title(want: Want): string
  /** Prints the state in a normal form and changes nothing: equal states print equal bytes, no counters, no handles, and never more than some 100 kB. */
  probe(want: Want): Script
  /** Total: reads what the probe printed, or says why it cannot. */
  read(probed: string, want: Want): Reading<State>
  /** The state to reach from this one; the same state when nothing is to do. */
  goal(now: State, want: Want): State | Impossible
  /**
   * Shell that takes the host from one state to the other. It may find the host anywhere between the two (a cut in the
   * middle) and must then finish the way; it exits non-zero when it did not arrive.
   */
  transition(from: State, to: State, want: Want): Script | Impossible
  show(state: State, want: Want): readonly string[]
  /** Readies what `transition` will put in place, and takes it away again; for persistent kinds. */
  stage?(from: State, to: State, want: Want): { readonly stage: Script; readonly unstage: Script }
  /** One wish may be several changes, each atomic by itself, in the order they must be made. */
  split?(want: Want): readonly Want[]
  /** The state moves by itself, so it is compared neither before the change nor before its undo. */
  readonly volatile?: true
  /** What a person must know before saying yes. */
  notes?(from: State, to: State, want: Want): readonly string[]
  /** What it does for a table that is full; null, or left out: nothing. */
  relief?(from: State, to: State, want: Want): Relief | null
}

/** What a change does for a table that is full: what a plan foretells of drops rests on it. */
export type Relief =
  /** The table goes, and nothing is tracked any more. */
  | { readonly relief: 'tracking-ends' }
  /** How many entries there may be, before and after. */
  | { readonly relief: 'max'; readonly from: number; readonly to: number }
  /** Entries of flows to these ports of the host itself are deleted. */
  | { readonly relief: 'entries-go'; readonly flows: 'all' | readonly LocalFlows[] }
  /** Rules of the firewall go, each as it was asked for, or others come, which may leave flows to ports of the host untracked. */
  | {
      readonly relief: 'rules'
      readonly gone: readonly Json[]
      readonly come: boolean
      readonly untracked: readonly LocalFlows[]
    }

export type LocalFlows = { readonly protocol: 'tcp' | 'udp'; readonly ports: readonly number[] }

/** A step kind bound to one wish, its types sealed inside: what plan, journal and run see. */
export type Step = {
  readonly kind: string
  readonly title: string
  readonly phase: 'runtime' | 'persist'
  readonly volatile: boolean
  readonly want: Json
  readonly probe: Script
  /**
   * From the state that the probe printed to a change, or to nothing when the host is already right.
   * `always` asks for the change all the same: a volatile state that is right now may not be so in a minute.
   */
  plan(probed: string, always?: boolean): Reading<StepPlan>
}

export type StepPlan =
  | { readonly needed: false }
  | {
      readonly needed: true
      readonly before: Json
      readonly after: Json
      readonly shown: { readonly before: readonly string[]; readonly after: readonly string[] }
      readonly apply: Script | Impossible
      readonly undo: Script | Impossible
      readonly stage: Script
      readonly unstage: Script
      readonly notes: readonly string[]
    }
