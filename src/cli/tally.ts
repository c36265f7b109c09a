import type { Stage } from '../model/event.ts'
import type { Fault } from '../model/fault.ts'

/** How far a phase is: counted as it goes, so that drawing it costs the same for 6 hosts and for 6000. */
export type Tally = {
  readonly total: number
  readonly startedAt: number
  readonly begin: (host: string, stage: Stage) => void
  /** `fault`: what went wrong with it, null where nothing did. */
  readonly end: (host: string, status: string, fault: Fault | null) => void
  /** Something happened that is no host's end. `part`: another part of the phase began. */
  readonly remark: (remark: string, more?: { readonly isBad?: boolean; readonly part?: NewPart }) => void
  /** The part that is under way; null where a phase has none. */
  readonly part: Part | null
  readonly ended: number
  readonly counts: ReadonlyMap<string, number>
  /** Hosts under way, those that have been at it longest first. */
  readonly atWork: ReadonlyMap<string, Stage>
  /** What ended since the last call, in order. */
  readonly takeNews: () => readonly News[]
}

export type News =
  | { readonly host: string; readonly status: string; readonly fault: Fault | null }
  | { readonly remark: string; readonly isBad: boolean }

/** A wave, or what is between two: its words, and how many hosts it has; null where it is not about hosts. */
export type NewPart = { readonly words: string; readonly hosts: number | null }

/** `endedBefore`: hosts of the phase that had ended when it began. */
export type Part = NewPart & { readonly startedAt: number; readonly endedBefore: number }

/** What a tally hears, as it hears it. */
export type Happening =
  | { readonly type: 'stage'; readonly host: string; readonly stage: Stage }
  | ({ readonly type: 'ended' } & Extract<News, { readonly host: string }>)
  | ({ readonly type: 'remark' } & Extract<News, { readonly remark: string }>)

/** @param total of the hosts, which may grow as it goes. */
export function newTally(
  total: number | (() => number),
  now: () => number = Date.now,
  hear: (happening: Happening) => void = () => undefined,
): Tally {
  const counts = new Map<string, number>()
  const atWork = new Map<string, Stage>()
  let news: News[] = []
  let ended = 0
  let part: Part | null = null
  return {
    get total() {
      return typeof total === 'number' ? total : total()
    },
    startedAt: now(),
    begin(host, stage) {
      if (stage === 'waiting' || stage === 'ended') return
      atWork.set(host, stage)
      hear({ type: 'stage', host, stage })
    },
    end(host, status, fault) {
      atWork.delete(host)
      ended++
      counts.set(status, (counts.get(status) ?? 0) + 1)
      news.push({ host, status, fault })
      hear({ type: 'ended', host, status, fault })
    },
    remark(remark, { isBad = false, part: begun } = {}) {
      if (begun !== undefined) part = { ...begun, startedAt: now(), endedBefore: ended }
      news.push({ remark, isBad })
      hear({ type: 'remark', remark, isBad })
    },
    get part() {
      return part
    },
    get ended() {
      return ended
    },
    counts,
    atWork,
    takeNews() {
      const taken = news
      news = []
      return taken
    },
  }
}
