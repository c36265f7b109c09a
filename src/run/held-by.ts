import { directoryOf } from '../journal/transaction.ts'
import type { Facts, LockHolder } from '../model/facts.ts'
import type { Fault } from '../model/fault.ts'
import { requester } from './requester.ts'

/** Why nothing can be planned or said of a host as it is now; null where no transaction has it, or that is not known. */
export function lockOf({ lock: { holder } }: Facts): Fault | null {
  return holder.known && holder.value !== null ? heldBy(holder.value) : null
}

/**
 * That somebody's transaction has the host for itself, in the same words for whoever looks and whoever is refused.
 * @param here who asks now: only whoever began a run has it on record
 */
export function heldBy(holder: LockHolder, here = requester()): Fault {
  const { until } = holder
  return until === null ? unfinished(holder, here) : firstAid(holder, until)
}

function unfinished({ transaction, since, asker, beforeRestart }: LockHolder, here: string): Fault {
  const began = since === null ? '' : ` since ${clock(since)}`
  const whose = asker === null ? '' : ` of run ${asker.run} by ${asker.by}`
  const restarted = beforeRestart ? ', which a restart of the host cut off' : ''
  const message = `it is locked${began} by transaction ${transaction}${whose}${restarted}`
  if (asker === null) {
    return {
      code: 'locked',
      message,
      next: `wait for it to end, or look at ${directoryOf(transaction)}/journal on the host`,
    }
  }
  const steps = [
    ...(beforeRestart ? [] : ['wait for it to end; if its ctfleet is gone']),
    ...(asker.by === here ? [] : [`as ${asker.by}`]),
  ]
  const when = steps.length === 0 ? '' : `${steps.join(', ')}: `
  return { code: 'locked', message, next: `${when}ctfleet resume ${asker.run}` }
}

function firstAid({ transaction, asker, seenAt }: LockHolder, until: number): Fault {
  const whose = asker === null ? `, transaction ${transaction},` : ` of run ${asker.run} by ${asker.by}`
  const isOver = until <= seenAt
  const ending = isOver
    ? `was to take itself back at ${clock(until)}, and still stands`
    : `stands until ${clock(until)}, and takes itself back then`
  const wait = isOver ? 'wait a minute' : `wait until ${clock(until)}`
  const takeBack = asker === null ? `on the host: sh ${directoryOf(transaction)}/undo` : `ctfleet rollback ${asker.run}`
  return {
    code: 'locked',
    message: `first aid${whose} ${ending}`,
    next: `${takeBack}, then the same command again; or ${wait}`,
  }
}

/** In UTC, by the host's clock. */
export function clock(epochSeconds: number): string {
  return `${new Date(epochSeconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
