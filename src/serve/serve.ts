import { join } from 'node:path'
import type { AuditOnRecord } from '../model/history.ts'
import type { HistoryStore } from '../store/history.ts'
import { drive, type World } from './drive.ts'
import { type Health, healthOf } from './health.ts'
import { type Tallies, watchPrometheus } from './metrics.ts'
import type { Notice } from './notice.ts'
import { type NotifierNews, newNotifier } from './notifier.ts'
import { type Address, listenAt, type Pages } from './pages.ts'
import { remembered } from './remembered.ts'
import type { Rules } from './turn.ts'
import { type News, watch } from './watch.ts'

export type Service = {
  readonly schedule: string
  readonly rules: Rules
  /** Milliseconds that a claim holds without a sign of life. */
  readonly lease: number
  readonly by: string
  /** Where the record is: what was told last is remembered beside it. */
  readonly state: string
  readonly store: HistoryStore
  /** The same for the pages: it answers or fails soon, and nothing stands still meanwhile. */
  readonly pagesStore: Pick<HistoryStore, 'newestDue' | 'loadAudit'>
  readonly audit: World['audit']
  /** Null: nobody is told. @returns null where it was taken, else why not. */
  readonly notify: ((notice: Notice) => Promise<string | null>) | null
  /** Null: there are no pages. */
  readonly listen: Address | null
  readonly tell: (news: ServiceNews) => void
}

export type ServiceNews = News | NotifierNews | { readonly type: 'listening'; readonly at: Address }

/** @returns once it was told to stop; or at once, why it cannot listen, in words that follow the address. */
export async function serve(service: Service, signal: AbortSignal): Promise<{ readonly problem: string } | null> {
  const { schedule, rules, lease, store, pagesStore } = service
  const tallies: Tallies = { kept: 0, failed: 0, lost: 0, sent: 0, unsent: 0 }
  let trouble: Trouble = NONE
  const tell = (news: ServiceNews) => {
    count(tallies, news)
    trouble = troubleAfter(news, trouble)
    service.tell(news)
  }
  const shown = remembered(lastOnRecord(pagesStore, schedule, rules))
  const pages = pagesOf({ schedule, rules, tallies, onRecord: shown.get, troubleNow: () => trouble })
  const listening = service.listen === null ? null : await listenAt(service.listen, pages)
  if (listening !== null && 'problem' in listening) return listening
  const notifier = notifierOf(service, tell)
  try {
    if (listening !== null) tell({ type: 'listening', at: listening.at })
    // At once: what is given up by the signal is not sent again.
    signal.addEventListener('abort', () => void notifier?.stop())
    if (notifier !== null) {
      // Whoever was here before may have ended between keeping an audit and telling of it.
      const audit = await lastOnRecord(store, schedule, rules)().catch(() => null)
      if (audit !== null && !signal.aborted) notifier.consider(audit)
    }
    const onKept = (audit: AuditOnRecord) => {
      shown.forget()
      notifier?.consider(audit)
    }
    await drive(watch({ rules, lease }), { ...service, onKept, tell }, signal)
  } finally {
    // Also where it throws: the pages would say for ever what was last.
    await listening?.close()
    await notifier?.stop()
  }
  return null
}

/** Null: nobody is told. */
export function notifierOf({ notify, store, state, schedule }: Service, tell: Service['tell']) {
  if (notify === null) return null
  const load = async (id: string) => {
    const found = await store.loadAudit(id)
    return found.type === 'found' ? found.audit : null
  }
  return newNotifier({ file: join(state, 'told', `${schedule}.json`), load, send: notify, tell })
}

function count(tallies: Tallies, { type }: ServiceNews): void {
  if (type === 'kept') tallies.kept++
  if (type === 'failed') tallies.failed++
  if (type === 'lost' || type === 'kept-before') tallies.lost++
  if (type === 'sent') tallies.sent++
  if (type === 'not-sent') tallies.unsent++
}

/** What keeps audits from being made: of this due time, or of all while the record does not answer. */
type Trouble = { readonly audit: { readonly due: number; readonly why: string } | null; readonly record: string | null }

const NONE: Trouble = { audit: null, record: null }

function troubleAfter(news: ServiceNews, before: Trouble): Trouble {
  if (news.type === 'failed') return { audit: news, record: null }
  if (news.type === 'no-record') return { ...before, record: news.why }
  if (news.type === 'kept') return NONE
  return news.type === 'next' ? { ...before, record: null } : before
}

/** The last audit of this schedule, read anew only where there is a newer one: of all that are at it, any may have made it. */
function lastOnRecord(
  store: Service['pagesStore'],
  schedule: string,
  { times }: Rules,
): () => Promise<AuditOnRecord | null> {
  let known: AuditOnRecord | null = null
  return async () => {
    const now = Date.now()
    const newest = await store.newestDue(schedule, new Date(times.next(now) ?? now).toISOString())
    if (newest !== null && newest !== known?.id) {
      const loaded = await store.loadAudit(newest)
      known = loaded.type === 'found' ? loaded.audit : known
    }
    return known
  }
}

type Watched = {
  readonly schedule: string
  readonly rules: Rules
  readonly tallies: Tallies
  readonly onRecord: () => Promise<AuditOnRecord | null>
  readonly troubleNow: () => Trouble
}

function pagesOf({ schedule, rules, tallies, onRecord, troubleNow }: Watched): Pages {
  const since = Date.now()
  const look = async (): Promise<{ health: Health; audit: AuditOnRecord | null }> => {
    const audit = await onRecord()
    const results = audit?.report.results ?? []
    const unasked = results.filter(({ status }) => status !== 'audited').length
    const due = audit?.due == null ? null : Date.parse(audit.due.at)
    const last = due === null ? null : { due, hosts: results.length, unasked }
    const { audit: failed, record } = troubleNow()
    // Another process may have made it meanwhile.
    const isStill = failed !== null && (due === null || due < failed.due)
    const trouble = record ?? (isStill ? failed.why : null)
    return { health: healthOf(Date.now(), { rules, since, last, trouble }), audit }
  }
  return {
    health: async () => {
      try {
        return (await look()).health
      } catch {
        // The log says why, and is not for whoever asks.
        return { status: 'failing', why: 'the record does not answer' }
      }
    },
    metrics: async () => watchPrometheus({ schedule, ...(await look()), next: rules.times.next(Date.now()), tallies }),
  }
}
