import type { Stage } from '../run/story.ts'

/** How far a phase is: counted as it goes, so that drawing it costs the same for 6 hosts and for 6000. */
export type Tally = {
  readonly total: number
  readonly startedAt: number
  readonly begin: (host: string, stage: Stage) => void
  readonly end: (host: string, status: string, isBad: boolean) => void
  /** Something happened that is no host's end. `part`: another part of the phase began, and these are its words. */
  readonly remark: (remark: string, more?: { readonly isBad?: boolean; readonly part?: string }) => void
  /** The part that is under way, in words; empty where a phase has none. */
  readonly part: string
  readonly ended: number
  readonly counts: ReadonlyMap<string, number>
  /** Hosts under way, those that have been at it longest first. */
  readonly atWork: ReadonlyMap<string, Stage>
  /** What ended since the last call, in order. */
  readonly takeNews: () => readonly News[]
}

export type News =
  | { readonly host: string; readonly status: string; readonly isBad: boolean }
  | { readonly remark: string; readonly isBad: boolean }

export function newTally(total: number, now: () => number = Date.now): Tally {
  const counts = new Map<string, number>()
  const atWork = new Map<string, Stage>()
  let news: News[] = []
  let ended = 0
  let part = ''
  return {
    total,
    startedAt: now(),
    begin(host, stage) {
      if (stage !== 'waiting' && stage !== 'ended') atWork.set(host, stage)
    },
    end(host, status, isBad) {
      atWork.delete(host)
      ended++
      counts.set(status, (counts.get(status) ?? 0) + 1)
      news.push({ host, status, isBad })
    },
    remark(remark, { isBad = false, part: begun } = {}) {
      part = begun ?? part
      news.push({ remark, isBad })
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
