import type { Run } from '../model/run.ts'
import type { RunStore } from '../store/store.ts'
import { declareWork } from './at-work.ts'
import { beginRecord, type RunRecord } from './record.ts'

/**
 * Puts a run on record, and says beside it that this process is at it: both, or neither.
 * @param state the directory of the record; left out: that of the command line
 * @throws what the store or the file system throws when nothing can be kept; then nothing may begin.
 */
export async function beginWork(
  store: RunStore,
  run: Run,
  state?: string,
): Promise<{ readonly record: RunRecord; readonly stopWork: () => Promise<void> }> {
  const takeBack = await declareWork(run.id, state)
  // What is left behind where nothing can be written says by itself that its process is gone, once it is.
  const stopWork = async () => await takeBack().catch(() => undefined)
  try {
    return { record: await beginRecord(store, run), stopWork }
  } catch (error) {
    await stopWork()
    throw error
  }
}
