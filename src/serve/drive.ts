import type { AuditOnRecord, Due, Sample } from '../model/history.ts'
import type { HistoryStore } from '../store/history.ts'
import { lifeWithin, pause, waitAtMost } from '../transport/cancel.ts'
import type { Answer, Effect, News, watch } from './watch.ts'

/** An audit that has been made, and what was read on the way. */
export type Made = { readonly audit: AuditOnRecord; readonly samples: readonly Sample[] }

/** What the watch works on. */
export type World = {
  readonly schedule: string
  /** Tells this process from all others that there are and were. */
  readonly by: string
  readonly store: Pick<HistoryStore, 'latest' | 'claim' | 'hold' | 'keepAudit'>
  /** Makes the audit of a due time; rejects where it cannot be made at all. */
  readonly audit: (due: Due, signal: AbortSignal) => Promise<Made>
  /** It is on record now. */
  readonly onKept: (audit: AuditOnRecord) => void
  readonly tell: (news: News) => void
}

/** Lives a watch until it is told to stop: then the audit under way is given up, and its due time is anybody's again. */
export async function drive(work: ReturnType<typeof watch>, world: World, signal: AbortSignal): Promise<void> {
  const { schedule, by, store } = world
  const dueAt = (at: number): Due => ({ schedule, at: iso(at) })
  let underWay: UnderWay | null = null

  const perform = async (effect: Effect): Promise<Answer> => {
    switch (effect.do) {
      case 'now':
        return Date.now()
      case 'sleep':
        await pause(effect.ms, signal)
        return undefined
      case 'latest': {
        const latest = await store.latest(schedule, iso(effect.now))
        return latest === null ? null : { at: Date.parse(latest.at), state: latest.state }
      }
      case 'claim':
        return await store.claim({ due: dueAt(effect.due), by, now: iso(effect.now), until: iso(effect.until) })
      case 'hold':
        return await store.hold({ due: dueAt(effect.due), by, until: iso(effect.until) })
      case 'audit':
        underWay = begin(effect.due, world)
        return undefined
      case 'await':
        return underWay === null ? { failed: 'it was given up' } : await ended(underWay, effect.ms, signal)
      case 'keep': {
        const made = underWay?.made
        if (made === undefined) throw new Error('there is no audit to keep')
        const isKept = await store.keepAudit(made.audit, made.samples)
        underWay = null
        if (isKept) world.onKept(made.audit)
        return isKept
      }
      case 'give-up':
        underWay?.stop.abort(new Error('given up'))
        underWay = null
        return undefined
      case 'tell':
        world.tell(effect.news)
        return undefined
    }
  }

  let step = work.next()
  let isToTell = false
  for (;;) {
    const effect: Effect = step.value
    const answer = await perform(effect).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    // What came of keeping it is said, one way or the other.
    if (effect.do === 'keep') isToTell = true
    else if (effect.do === 'tell') isToTell = false
    if (signal.aborted && !isToTell) break
    step = 'error' in answer ? work.throw(answer.error) : work.next(answer.value)
  }
  const left: UnderWay | null = underWay
  if (left !== null) await release(left, world)
}

type UnderWay = {
  readonly due: number
  readonly stop: AbortController
  readonly over: Promise<unknown>
  made?: Made
  failed?: string
}

function begin(due: number, { schedule, audit }: World): UnderWay {
  const stop = new AbortController()
  const making = audit({ schedule, at: iso(due) }, stop.signal)
  const one: UnderWay = {
    due,
    stop,
    over: making.then(
      (made) => {
        one.made = made
      },
      (error: unknown) => {
        one.failed = error instanceof Error ? error.message : String(error)
      },
    ),
  }
  return one
}

async function ended(one: UnderWay, ms: number, signal: AbortSignal): Promise<Answer<{ do: 'await'; ms: number }>> {
  const life = lifeWithin(signal)
  await Promise.race([one.over, pause(ms, life.signal)])
  life.end('waited')
  if (one.failed !== undefined) return { failed: one.failed }
  return one.made === undefined ? 'going' : 'ended'
}

/** Milliseconds that hosts have to let go of; whatever they are asked changes nothing. */
const LETTING_GO = 3000

async function release({ due, stop, over }: UnderWay, { schedule, by, store }: World): Promise<void> {
  stop.abort(new Error('stopped'))
  await waitAtMost(over, LETTING_GO)
  try {
    await store.hold({ due: { schedule, at: iso(due) }, by, until: iso(Date.now()) })
  } catch {
    // It ends by itself, a little later.
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
