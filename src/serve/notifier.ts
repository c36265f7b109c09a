import { changesSince } from '../audit/since.ts'
import type { AuditReport } from '../model/audit.ts'
import type { AuditOnRecord } from '../model/history.ts'
import { type Notice, noticeOf } from './notice.ts'
import { isPast, rememberTold, toldLast } from './told.ts'

export type Means = {
  /** Remembers which audit was told last. */
  readonly file: string
  /** An audit on record; null where it is there no more. */
  readonly load: (id: string) => Promise<AuditOnRecord | null>
  /** @returns null where it was taken, else why not. */
  readonly send: (notice: Notice) => Promise<string | null>
  readonly tell: (news: NotifierNews) => void
}

export type NotifierNews =
  | { readonly type: 'sent'; readonly summary: string }
  | { readonly type: 'nothing-new' }
  /** `again`: it is sent again; otherwise whoever serves next does that. */
  | { readonly type: 'not-sent'; readonly why: string; readonly again: boolean }

export type Notifier = {
  /**
   * Tells what is new in it, and what was not taken again and again, less and less often. Waits for nothing. Of several that
   * wait, the newest stands for all: each is compared with what was told last.
   */
  readonly consider: (audit: AuditOnRecord) => void
  /** When all has been told, or was not taken. */
  readonly over: () => Promise<void>
  /** Begins nothing any more, and ends with what is under way; what waits is for whoever comes next. */
  readonly stop: () => Promise<void>
}

/** Milliseconds until what was not taken is sent again: twice as long each time, up to the longest. */
const AGAIN = { first: 60_000, longest: 15 * 60_000 }

const NOTHING: AuditReport = { results: [], policy: [], rules: [] }

export function newNotifier(means: Means, again = AGAIN): Notifier {
  const { tell } = means
  let waiting: AuditOnRecord | null = null
  let work: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined
  let wait = again.first
  let isStopped = false

  const tellAll = async () => {
    try {
      for (let audit = waiting; audit !== null; audit = waiting) {
        waiting = null
        const news = await told(audit, means, () => !isStopped)
        if (news !== null) tell(news)
        if (news?.type !== 'not-sent') wait = again.first
        else if (waiting === null && news.again) later(audit)
      }
    } finally {
      // At once, so that nothing begins to wait after the last look and before this.
      work = null
    }
  }
  const begin = () => {
    work ??= tellAll()
  }
  const later = (audit: AuditOnRecord) => {
    timer = setTimeout(() => {
      waiting ??= audit
      begin()
    }, wait)
    // Whoever ends with this one is told by the next one that begins.
    timer.unref()
    wait = Math.min(wait * 2, again.longest)
  }
  return {
    consider(audit) {
      if (isStopped) return
      clearTimeout(timer)
      waiting = audit
      begin()
    },
    async over() {
      await work
    },
    async stop() {
      isStopped = true
      clearTimeout(timer)
      waiting = null
      await work
    },
  }
}

/** Null: there was nothing to do. */
async function told(
  audit: AuditOnRecord,
  { file, load, send }: Means,
  again: () => boolean,
): Promise<NotifierNews | null> {
  try {
    const before = await toldLast(file)
    if (before?.audit === audit.id || isPast(audit, before)) return null
    const earlier = before === null ? null : await load(before.audit)
    const changes = changesSince(earlier?.report ?? NOTHING, audit.report)
    const notice = noticeOf(audit, earlier?.id ?? null, changes)
    const why = notice === null ? null : await send(notice)
    if (why !== null) return { type: 'not-sent', why, again: again() }
    await rememberTold(file, audit)
    return notice === null ? { type: 'nothing-new' } : { type: 'sent', summary: notice.summary }
  } catch (error) {
    return { type: 'not-sent', why: error instanceof Error ? error.message : String(error), again: again() }
  }
}
