import { type Holdings, newestFirst, positionOf } from '../../journal/holdings.ts'
import { keptUntil } from '../../journal/standing.ts'

/**
 * What hosts keep of ctfleet's: `host`, `status`, `lock`, `transactions` (newest first: `id`, `position`, `about`, `until` in
 * seconds since the epoch), `fault` and `why` (null where there is none).
 */
export function holdingsJson(all: readonly Holdings[]): readonly object[] {
  return all.map((one) => ({
    host: one.host,
    status: one.status,
    lock: one.status === 'listed' ? one.lock : null,
    transactions:
      one.status === 'listed'
        ? newestFirst(one.transactions).map((transaction) => ({
            id: transaction.id,
            position: positionOf(transaction),
            about: transaction.about,
            until: keptUntil(transaction.records),
          }))
        : [],
    fault: 'fault' in one ? one.fault : null,
    why: 'why' in one ? one.why : null,
  }))
}
