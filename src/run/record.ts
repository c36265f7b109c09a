import type { HostResult } from '../model/result.ts'
import type { Approval, Run } from '../model/run.ts'
import type { RunStore } from '../store/store.ts'
import { pause } from '../transport/cancel.ts'

export type UnderWay = Extract<HostResult, { readonly status: 'under-way' }>

/** Keeps the record of a run as its hosts begin and end. */
export type RunRecord = {
  /** On disk when it resolves. Rejects when it cannot be kept: then this host must not be touched. */
  readonly began: (result: UnderWay) => Promise<void>
  readonly ended: (result: HostResult) => void
  /** A yes that was given since it began; on disk before the host that it is for begins. */
  readonly approved: (approval: Approval) => void
  /** Writes the last word. @returns why the record is not whole, or null. */
  readonly close: (results: readonly HostResult[], at: Date) => Promise<string | null>
}

/** Hosts at work wait while we write: it rests this many times as long as it wrote, and what comes meanwhile is one write. */
const REST = 5
const LONGEST_REST = 1000

/**
 * Begins the record before the first host is contacted, with every approved plan in it: whatever happens to us, what was
 * asked for is known.
 * @throws what the store throws when nothing can be kept; then nothing may begin.
 */
export async function beginRecord(store: RunStore, run: Run): Promise<RunRecord> {
  await store.save(run)
  const known = new Map(run.results.map((result) => [result.host, result]))
  const queue = newQueue()
  let approvals = run.approvals ?? []
  let approvalsKept = approvals.length
  const whole = (results: readonly HostResult[]): Run => ({
    ...run,
    results,
    ...(approvals.length === 0 ? {} : { approvals }),
  })
  let problem: string | null = null
  let writing: Promise<void> | null = null
  const closing = new AbortController()

  const flush = async () => {
    const batch = queue.take()
    try {
      const given = approvals.length
      const isKept = await store.record(run.id, batch.results, approvals.slice(approvalsKept))
      for (const result of batch.results) known.set(result.host, result)
      // The database was damaged and set aside, and this run is not in the new one yet.
      if (!isKept) await store.save(whole([...known.values()]))
      approvalsKept = given
      problem = null
      batch.kept()
    } catch (error) {
      // Hosts at work go on, and the person hears of it at the end.
      problem = messageOf(error)
      queue.putBack(batch)
      batch.lost(error)
    }
  }
  const writeWhileAny = async () => {
    while (!queue.isEmpty && !closing.signal.aborted) {
      const startedAt = Date.now()
      await flush()
      const wrote = Date.now() - startedAt
      await pause(problem === null ? Math.min(REST * wrote, LONGEST_REST) : LONGEST_REST, closing.signal)
    }
    writing = null
  }

  return {
    began(result) {
      const kept = queue.addAndWait(result)
      writing ??= writeWhileAny()
      return kept
    },
    ended(result) {
      queue.add(result)
      writing ??= writeWhileAny()
    },
    approved(approval) {
      approvals = [...approvals, approval]
    },
    async close(final, at) {
      closing.abort()
      await writing
      for (const result of final) if (known.get(result.host) !== result) queue.add(result)
      if (!queue.isEmpty || approvals.length > approvalsKept) await flush()
      if (problem !== null) return problem
      try {
        const endedAt = at.toISOString()
        if (!(await store.end(run.id, endedAt))) await store.save({ ...whole(final), endedAt })
        return null
      } catch (error) {
        return messageOf(error)
      }
    },
  }
}

type Waiting = { readonly result: HostResult; readonly resolve: () => void; readonly reject: (error: unknown) => void }

type Batch = {
  readonly results: readonly HostResult[]
  readonly waiting: readonly Waiting[]
  readonly kept: () => void
  readonly lost: (error: unknown) => void
}

/** The newest word on each host that is not written yet, and who waits until it is. */
function newQueue() {
  let results = new Map<string, HostResult>()
  let waiting: Waiting[] = []
  return {
    get isEmpty() {
      return results.size === 0
    },
    add(result: HostResult): void {
      results.set(result.host, result)
    },
    addAndWait(result: HostResult): Promise<void> {
      results.set(result.host, result)
      return new Promise((resolve, reject) => waiting.push({ result, resolve, reject }))
    },
    take(): Batch {
      const taken = waiting
      const batch = {
        results: [...results.values()],
        waiting,
        kept: () => taken.forEach(({ resolve }) => void resolve()),
        lost: (error: unknown) => taken.forEach(({ reject }) => void reject(error)),
      }
      results = new Map()
      waiting = []
      return batch
    },
    /** For the next write, but for what was waited for: those hosts are not touched, so it is not true. */
    putBack({ results: taken, waiting: gone }: Batch): void {
      const refused = new Set(gone.map(({ result }) => result))
      const left = taken.filter((result) => !refused.has(result))
      results = new Map([...left, ...results.values()].map((result) => [result.host, result]))
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
