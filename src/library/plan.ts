import { DEFAULT_THRESHOLDS, type Thresholds } from '../diagnosis/thresholds.ts'
import type { HostResult, LeftOutHosts } from '../model/result.ts'
import { loadPlaybooks } from '../playbook/load.ts'
import { planFleet } from '../run/plan-fleet.ts'
import type { Wish } from '../run/plan-host.ts'
import { whereFrom } from '../run/where.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import type { Service } from '../strategies/notrack-analysis.ts'
import { checkOptions } from './checked-options.ts'
import { type ChosenHosts, chosenHosts, type HostOptions } from './chosen-hosts.ts'
import { conductFor, type FollowOptions } from './following.ts'

/** What is wanted of the hosts; left out, what the command line would do. */
export type WishOptions = {
  /** `auto`, `unload`, `notrack`, `tune`, or a playbook by name or path. Left out: `auto`. */
  readonly strategy?: string
  /** The ports that `notrack` may take out of tracking. Left out: the busy ones that it finds. */
  readonly ports?: readonly Service[]
  /** Only hosts for which this is true, in CEL over their facts: `conntrack.usage > 0.8`. */
  readonly where?: string
  /** From where on a table counts as near full, and the like: shares from 0 to 1, so that 75 % are 0.75. Left out: the usual ones. */
  readonly thresholds?: Partial<Thresholds>
  /** Hosts at a time, from 1 on. Left out: 100. */
  readonly parallel?: number
}

export type PlanOptions = HostOptions & WishOptions & FollowOptions

/** Every host has one result, always, in the order of the inventory; those that `where` leaves out are beside them. */
export type Planned = LeftOutHosts & {
  readonly inventory: string
  /** RFC 3339, UTC. */
  readonly plannedAt: string
  readonly results: readonly HostResult[]
}

/** Hosts at a time, where nothing is changed. */
export const READING = 100

/**
 * Diagnoses every host and says what should be changed there, byte for byte. Changes nothing.
 * @throws InputError with every mistake in what was given, before any host is contacted. What goes wrong at a host is in its result.
 */
export async function plan(options: PlanOptions = {}): Promise<Planned> {
  checkOptions(options)
  const wish = wishOf(options)
  return await planChosen(await chosenHosts(options), wish, options)
}

/** @throws InputError with every mistake in playbooks and in `where`. */
export function wishOf({ strategy = 'auto', ports, where, thresholds }: WishOptions): Wish {
  const { playbooks, wanted } = loadPlaybooks(strategy, STEP_KINDS)
  return {
    strategy: wanted,
    playbooks,
    ports: ports ?? null,
    thresholds: { ...DEFAULT_THRESHOLDS, ...thresholds },
    where: whereFrom(where),
  }
}

export async function planChosen(
  { inventory, hosts, setAside }: ChosenHosts,
  wish: Wish,
  { parallel = READING, ...following }: Pick<WishOptions, 'parallel'> & FollowOptions,
): Promise<Planned> {
  const planned = await planFleet({ hosts, setAside }, { wish, parallel }, conductFor(following))
  return { inventory, plannedAt: new Date().toISOString(), ...planned }
}
