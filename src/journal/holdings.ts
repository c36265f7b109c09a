import type { Fault } from '../model/fault.ts'
import type { HostTransaction } from './listing.ts'
import { keptUntil, standingOf } from './standing.ts'

/** What one host tells of all that ctfleet keeps there. */
export type Holdings = { readonly host: string } & (
  | {
      readonly status: 'listed'
      /** In the order of the host's listing, which is none. */
      readonly transactions: readonly HostTransaction[]
      /** The transaction that the host's lock names; empty where the lock has lost its name, null where there is no lock. */
      readonly lock: string | null
    }
  | { readonly status: 'unreachable' | 'failed'; readonly fault: Fault }
  | { readonly status: 'not-reached'; readonly why: string }
)

/**
 * How a transaction stands on its host, also where nobody carries it any more:
 * - `never` it did not begin; `refused` nothing was touched; `rolled-back` all is as before; `needs-hands` it is not
 * - `under-way` a process is at it; `cut-off` nobody is, and it has not ended
 * - `committed` in force for good; `kept` in force, and taken back by the host in time; `gone` that was so until a restart
 */
export type Position =
  | 'never'
  | 'refused'
  | 'rolled-back'
  | 'needs-hands'
  | 'under-way'
  | 'cut-off'
  | 'committed'
  | 'kept'
  | 'gone'

export function positionOf({ never, carried, restarted, records }: HostTransaction): Position {
  if (never) return 'never'
  const standing = standingOf(records)
  if (standing === null || standing === 'applied') return carried ? 'under-way' : 'cut-off'
  if (standing !== 'committed' || keptUntil(records) === null) return standing
  // First aid writes no files, so a restart takes it away; without its switch it would stay for ever.
  if (restarted) return 'gone'
  return carried ? 'kept' : 'cut-off'
}

/** Positions in which something of the change may be in force, and that an undo brings to an end. */
const IN_FORCE: ReadonlySet<Position> = new Set<Position>(['committed', 'kept', 'cut-off', 'needs-hands'])

/** Whether nobody is at it and an undo has something to take back, or to bring to an end. */
function canBeTakenBack(transaction: HostTransaction): boolean {
  return IN_FORCE.has(positionOf(transaction))
}

/**
 * Why a host's own bookkeeping of a transaction must stay for now, with what to do first; null where it can go.
 * @param needsHandsToo what is left of changes that could not be taken back shall be forgotten
 */
export function whyKept(transaction: HostTransaction, needsHandsToo: boolean): Fault | null {
  const { id, about, records } = transaction
  // Its run ended well, and nobody resumes it.
  const isFirstAid = keptUntil(records) !== null
  const undo = `on the host: sh /var/lib/ctfleet/${id}/undo`
  switch (positionOf(transaction)) {
    case 'never':
    case 'refused':
    case 'rolled-back':
    case 'committed':
    case 'gone':
      return null
    case 'needs-hands':
      if (needsHandsToo) return null
      return {
        code: 'undo-failed',
        message: `transaction ${id} could not be taken back whole, and its undo is still needed`,
        next: `mend what its journal names, then ${undo}; or, to leave its change as it is: ctfleet clean --needs-hands`,
      }
    case 'under-way':
      return {
        code: 'locked',
        message: `transaction ${id} is under way`,
        next: `wait for it to end, then clean again${about === null ? '' : `; if its ctfleet is gone: ctfleet resume ${about.run}`}`,
      }
    case 'kept':
      return {
        code: 'locked',
        message: `transaction ${id} is first aid, and waits to take itself back`,
        next: `wait for it; or now${about === null ? '' : `: ctfleet rollback ${about.run}; or`}, ${undo}`,
      }
    case 'cut-off':
      return {
        code: 'lost',
        message: `transaction ${id} was cut off, and nobody is at it any more`,
        next: `take it back first: ${undo}${about === null || isFirstAid ? '' : `; or ctfleet resume ${about.run}`}`,
      }
  }
}

/**
 * Those of a host's transactions that can be taken back, in the order in which that is to be done.
 * @param run a run's id, or the beginning of one: only its transactions
 */
export function toTakeBack(
  transactions: readonly HostTransaction[],
  run: string | undefined,
): readonly HostTransaction[] {
  const wanted = transactions.filter(({ about }) => run === undefined || about?.run.startsWith(run) === true)
  return newestFirst(wanted.filter(canBeTakenBack))
}

export function newestFirst(transactions: readonly HostTransaction[]): readonly HostTransaction[] {
  return transactions.toSorted((a, b) => madeAt(b) - madeAt(a) || (a.id < b.id ? -1 : 1))
}

/** When it began, in seconds since the epoch by its host's clock; 0 where it never did. */
export function madeAt({ records }: HostTransaction): number {
  return records[0]?.at ?? 0
}
