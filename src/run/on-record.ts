import type { Fault } from '../model/fault.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { RunRecord } from './record.ts'
import type { Telling } from './story.ts'

type Recorded = {
  readonly host: string
  /** Its id, for whoever has to ask the host again. */
  readonly run: string
  /** Null where only the host knows what was changed. */
  readonly plan: Plan | null
  readonly record: Pick<RunRecord, 'began'>
  readonly story: (telling: Telling) => Promise<HostResult>
  /** Hears of a bug of ours that a host met after its change was on record. */
  readonly onBug: (bug: unknown) => void
}

/** The story of a host whose change is on record before it begins, or does not begin. */
export async function storyOnRecord(
  { host, run, plan, record, story, onBug }: Recorded,
  telling: Telling,
): Promise<HostResult> {
  const lost: string[] = []
  const begun: string[] = []
  const onTransaction = async (transaction: string) => {
    try {
      await record.began({ host, status: 'under-way', plan, transaction })
      begun.push(transaction)
    } catch (error) {
      lost.push(error instanceof Error ? error.message : String(error))
      throw error
    }
  }
  try {
    return await story({ ...telling, onTransaction })
  } catch (error) {
    const [why] = lost
    const transaction = begun.at(-1)
    if (why === undefined && transaction !== undefined) {
      onBug(error)
      // Only its host knows by now how it stands, and who resumes the run asks it.
      return { host, status: 'needs-hands', plan, transaction, fault: bugAfterBegin(error, run) }
    }
    if (why === undefined) throw error
    const message = `its change could not be put on record (${why}), so it was not begun`
    const next = 'make room where the records of runs are kept, or set CTFLEET_STATE, then run the same command again'
    return { host, status: 'failed', fault: { code: 'cancelled', message, next } }
  }
}

function bugAfterBegin(error: unknown, run: string): Fault {
  const said = error instanceof Error ? error.message : String(error)
  return {
    code: 'bug',
    message: `ctfleet met a bug of its own after its change was on record, so how it ended is not known here: ${said}`,
    next: `ask the host: ctfleet resume ${run}; and report it with the stack that follows "bug at" on standard error`,
  }
}
