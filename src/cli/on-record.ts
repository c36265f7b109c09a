import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Telling } from '../run/story.ts'
import type { RunRecord } from './record.ts'

type Recorded = {
  readonly host: string
  /** Null where only the host knows what was changed. */
  readonly plan: Plan | null
  readonly record: Pick<RunRecord, 'began'>
  readonly story: (telling: Telling) => Promise<HostResult>
}

/** The story of a host whose change is on record before it begins, or does not begin. */
export async function storyOnRecord({ host, plan, record, story }: Recorded, telling: Telling): Promise<HostResult> {
  const lost: string[] = []
  const onTransaction = async (transaction: string) => {
    try {
      await record.began({ host, status: 'under-way', plan, transaction })
    } catch (error) {
      lost.push(error instanceof Error ? error.message : String(error))
      throw error
    }
  }
  try {
    return await story({ ...telling, onTransaction })
  } catch (error) {
    const [why] = lost
    if (why === undefined) throw error
    const message = `its change could not be put on record (${why}), so it was not begun`
    const next = 'make room where the records of runs are kept, or set CTFLEET_STATE, then run the same command again'
    return { host, status: 'failed', fault: { code: 'cancelled', message, next } }
  }
}
