import type { HostResult } from '../model/result.ts'
import type { Approval } from '../model/run.ts'
import { beginWork } from '../run/begin-work.ts'
import type { RunRecord } from '../run/record.ts'
import { resultEvents } from '../run/result-events.ts'
import type { RunStore } from '../store/store.ts'
import { kept } from './state.ts'
import type { Terminal } from './terminal.ts'
import type { Undertaking } from './undertaking.ts'

/** A run that is on record, where others see that somebody is at it. */
export type BegunRun = {
  readonly record: RunRecord
  /** A yes that came after it began. */
  readonly approved: (approval: Approval) => void
  /** @returns why the record is not whole, or null. */
  readonly end: (results: readonly HostResult[]) => Promise<string | null>
}

/** Puts on record who said yes to what, before the first host hears of it. */
export async function beginRun(
  run: Undertaking['run'],
  { results, approvals }: { readonly results: readonly HostResult[]; readonly approvals: readonly Approval[] },
  { store, terminal: { events } }: { readonly store: RunStore; readonly terminal: Terminal },
): Promise<BegunRun> {
  const tell = ({ at: _, ...approval }: Approval) => events?.tell({ event: 'approval', ...approval })
  const given = approvals.length === 0 ? {} : { approvals }
  const { record, stopWork } = await kept(
    async () => await beginWork(store, { ...run, endedAt: null, ...given, results }),
  )
  events?.tell({ event: 'run-began', run: run.id, command: run.command })
  approvals.forEach(tell)
  return {
    record,
    approved(approval) {
      tell(approval)
      record.approved(approval)
    },
    async end(ended) {
      const problem = await record.close(ended, new Date())
      for (const event of resultEvents(ended)) events?.tell(event)
      events?.tell({ event: 'run-ended', run: run.id, command: run.command })
      await stopWork()
      return problem
    },
  }
}
