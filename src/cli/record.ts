import type { HostResult } from '../model/result.ts'
import type { Run } from '../model/run.ts'
import type { RunStore } from '../store/store.ts'

/** Keeps the record of a run as its hosts end. */
export type RunRecord = {
  readonly ended: (result: HostResult) => void
  /** Writes the last word. @returns why the record is not whole, or null. */
  readonly close: (results: readonly HostResult[], at: Date) => Promise<string | null>
}

/** A large fleet's record takes long to write: it rests this many times as long as it wrote. */
const REST = 5

/**
 * Begins the record before the first host is contacted, with every approved plan in it: whatever happens to us, what was
 * asked for is known.
 * @throws what the store throws when nothing can be kept; then nothing may begin.
 */
export async function beginRecord(store: RunStore, run: Run): Promise<RunRecord> {
  await store.save(run)
  const results = new Map(run.results.map((result) => [result.host, result]))
  let problem: string | null = null
  let writing: Promise<void> | null = null
  let isStale = false
  let isClosed = false
  let wake = () => {}

  const save = async (current: Run) => {
    try {
      await store.save(current)
      problem = null
    } catch (error) {
      // Hosts are at work: they go on, and the person hears of it at the end.
      problem = error instanceof Error ? error.message : String(error)
    }
  }
  const writeWhileStale = async () => {
    while (isStale && !isClosed) {
      isStale = false
      const startedAt = Date.now()
      await save({ ...run, results: [...results.values()] })
      if (isClosed) break
      await new Promise<void>((resolve) => {
        wake = resolve
        setTimeout(resolve, REST * (Date.now() - startedAt)).unref()
      })
    }
    writing = null
  }

  return {
    ended(result) {
      results.set(result.host, result)
      isStale = true
      writing ??= writeWhileStale()
    },
    async close(final, at) {
      isClosed = true
      wake()
      await writing
      await save({ ...run, results: final, endedAt: at.toISOString() })
      return problem
    },
  }
}
