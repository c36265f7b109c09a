import type { Fault } from '../model/fault.ts'

/** What an abort says to people. */
export function whyAborted(signal: AbortSignal): string {
  return typeof signal.reason === 'string' ? signal.reason : 'cancelled from here'
}

export function cancelled(signal: AbortSignal): { readonly refused: Fault } {
  return { refused: { code: 'cancelled', message: whyAborted(signal), next: 'Run the same command again' } }
}

/** The life of a session: over when the signal it was opened with says so, or when it is closed, whichever comes first. */
export type Life = { readonly signal: AbortSignal; end(why: string): void }

/**
 * AbortSignal.any would do, but on Node 20 each use leaves something behind at a signal that lives for long, and an
 * AbortSignal.timeout within it may be collected before it fires, so that nothing ends what hangs.
 */
export function lifeWithin(outer: AbortSignal): Life {
  const own = new AbortController()
  const follow = () => own.abort(outer.reason)
  outer.addEventListener('abort', follow)
  if (outer.aborted) follow()
  return {
    signal: own.signal,
    end(why) {
      outer.removeEventListener('abort', follow)
      own.abort(why)
    },
  }
}

/** Waits for work that goes on by itself, or stops waiting for it as soon as the signal says so. */
export async function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const life = lifeWithin(signal)
  const over = new Promise<void>((resolve) => {
    if (life.signal.aborted) resolve()
    else life.signal.addEventListener('abort', () => resolve())
  })
  await Promise.race([work, over]).finally(() => life.end('waited'))
}

/** Waits for work that goes on by itself, so many milliseconds at most. */
export async function waitAtMost(work: Promise<unknown>, ms: number): Promise<void> {
  const patience = new AbortController()
  await Promise.race([work, pause(ms, patience.signal)]).finally(() => patience.abort())
}

/** Waits so many milliseconds, or stops waiting as soon as the signal says so. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}
