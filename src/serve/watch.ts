import type { Claimed } from '../store/history.ts'
import { type Failed, failedAt, type Latest, type Rules, turnAt } from './turn.ts'

/** What the watch asks of the world, and `Answers` says what it gets. All moments are milliseconds since 1970, UTC. */
export type Effect =
  | { readonly do: 'now' }
  /** As long as the process runs, whatever becomes of the clock. */
  | { readonly do: 'sleep'; readonly ms: number }
  | { readonly do: 'latest'; readonly now: number }
  | { readonly do: 'claim'; readonly due: number; readonly now: number; readonly until: number }
  | { readonly do: 'hold'; readonly due: number; readonly until: number }
  /** Begins it, and waits for nothing. */
  | { readonly do: 'audit'; readonly due: number }
  /** Waits for the end of the audit, so long at most. */
  | { readonly do: 'await'; readonly ms: number }
  /** Keeps what came of the audit that ended. */
  | { readonly do: 'keep'; readonly due: number }
  | { readonly do: 'give-up' }
  | { readonly do: 'tell'; readonly news: News }

type Answers = {
  readonly now: number
  readonly sleep: undefined
  readonly latest: Latest
  readonly claim: Claimed
  readonly hold: boolean
  readonly audit: undefined
  readonly await: 'going' | 'ended' | { readonly failed: string }
  readonly keep: boolean
  readonly 'give-up': undefined
  readonly tell: undefined
}

export type Answer<E extends Effect = Effect> = Answers[E['do']]

/** What happens, for the log and for `/healthz`. */
export type News =
  | { readonly type: 'next'; readonly at: number | null }
  /** `late` is null for the first one ever: nobody had asked for it when it was due. */
  | { readonly type: 'taken'; readonly due: number; readonly late: number | null }
  | { readonly type: 'kept'; readonly due: number }
  /** Another process was faster: its audit is the one on record. */
  | { readonly type: 'kept-before'; readonly due: number }
  | { readonly type: 'lost'; readonly due: number }
  | { readonly type: 'failed'; readonly due: number; readonly why: string; readonly again: number }
  | { readonly type: 'no-record'; readonly why: string }

export type Terms = {
  readonly rules: Rules
  /** Milliseconds that a claim holds without a sign of life. */
  readonly lease: number
}

/** The longest sleep: a clock that was set, or a machine that was suspended, is noticed so soon. */
export const LONGEST_SLEEP = 30_000

type Asking<T> = Generator<Effect, T, Answer>

/**
 * The life of one watching process, as a sequence of effects: it may end after any of them, and another one that begins anew
 * does right, since all that counts is in the record. It never returns.
 */
export function* watch({ rules, lease }: Terms): Asking<never> {
  let failed: Failed | null = null
  let told: number | null | undefined
  for (;;) {
    const now: number = yield* ask({ do: 'now' })
    let until = now + LONGEST_SLEEP
    try {
      const latest = yield* ask({ do: 'latest', now })
      const turn = turnAt(now, rules, latest, failed)
      if (turn.act === 'take') {
        failed = yield* take(turn.due, { now, rules, lease, isFirst: latest === null }, failed)
        continue
      }
      until = turn.until
      const next = rules.times.next(now)
      if (next !== told) yield* ask({ do: 'tell', news: { type: 'next', at: next } })
      told = next
    } catch (error) {
      // Once the record answers again, that is told by what is due next.
      told = undefined
      yield* ask({ do: 'give-up' })
      yield* ask({ do: 'tell', news: { type: 'no-record', why: sentenceOf(error) } })
    }
    yield* ask({ do: 'sleep', ms: Math.min(Math.max(until - now, 100), LONGEST_SLEEP) })
  }
}

type Taking = Terms & { readonly now: number; readonly isFirst: boolean }

/** One due time, from the claim to the record. @returns what is to be remembered of its failing. */
function* take(due: number, { now, rules, lease, isFirst }: Taking, before: Failed | null): Asking<Failed | null> {
  const claimed = yield* ask({ do: 'claim', due, now, until: now + lease })
  if (claimed !== 'mine') {
    yield* ask({ do: 'sleep', ms: Math.min(lease / 4, LONGEST_SLEEP) })
    return before
  }
  const late = isFirst ? null : now - due - rules.delayOf(due)
  yield* ask({ do: 'tell', news: { type: 'taken', due, late } })
  yield* ask({ do: 'audit', due })
  for (;;) {
    const came = yield* ask({ do: 'await', ms: lease / 3 })
    const until = (yield* ask({ do: 'now' })) + lease
    if (typeof came === 'object') {
      const failed = failedAt(until - lease, due, before)
      yield* ask({ do: 'tell', news: { type: 'failed', due, why: came.failed, again: failed.notBefore } })
      return failed
    }
    // Also before it is kept: whoever was away too long may find that another has begun meanwhile.
    if (!(yield* ask({ do: 'hold', due, until }))) {
      yield* ask({ do: 'give-up' })
      yield* ask({ do: 'tell', news: { type: 'lost', due } })
      return null
    }
    if (came === 'going') continue
    const isOurs = yield* ask({ do: 'keep', due })
    yield* ask({ do: 'tell', news: { type: isOurs ? 'kept' : 'kept-before', due } })
    return null
  }
}

function* ask<E extends Effect>(effect: E): Generator<Effect, Answer<E>, Answer> {
  // What answers is written beside what is asked, in Answers: the driver's compiler holds it to that.
  return (yield effect) as Answer<E>
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
