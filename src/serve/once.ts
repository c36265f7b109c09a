import type { AuditOnRecord, Due } from '../model/history.ts'
import { notifierOf, type Service } from './serve.ts'

/**
 * What came of it. `isUntold`: somebody was to be told of it, and could not be. `busy`: since when another process is at one
 * of this schedule, which takes longer than expected.
 */
export type Once = (Audited & { readonly isUntold: boolean }) | Failed | Busy
type Audited = { readonly audit: AuditOnRecord }
type Failed = { readonly failed: string }
type Busy = { readonly busy: string }

/** One audit now, on record as this schedule's, and what is new in it told; none where one is under way. */
export async function serveOnce(service: Service, signal: AbortSignal): Promise<Once> {
  const { schedule, store } = service
  let isUntold = false
  const notifier = notifierOf(service, (news) => {
    if (news.type === 'not-sent') isUntold = true
    service.tell(news)
  })
  try {
    const now = new Date()
    const latest = await store.latest(schedule, now.toISOString())
    if (latest?.state === 'held') return { busy: latest.at }
    const due = { schedule, at: now.toISOString() }
    const came = await claimed(due, service, signal)
    if (!('audit' in came)) return came
    notifier?.consider(came.audit)
    await notifier?.over()
    return { ...came, isUntold }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  } finally {
    await notifier?.stop()
  }
}

/** Holds the claim as long as the audit takes, and gives it back where none came of it. */
async function claimed(due: Due, { store, by, lease, audit }: Service, signal: AbortSignal): Promise<Audited | Busy> {
  const until = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString()
  const taken = await store.claim({ due, by, now: until(0), until: until(lease) })
  if (taken !== 'mine') return { busy: due.at }
  const holding = setInterval(() => {
    // Where the record does not answer, keeping will tell.
    store.hold({ due, by, until: until(lease) }).catch(() => undefined)
  }, lease / 3)
  try {
    const made = await audit(due, signal)
    if (signal.aborted) throw new Error('it was stopped')
    await store.keepAudit(made.audit, made.samples)
    return { audit: made.audit }
  } catch (error) {
    await store.hold({ due, by, until: until(0) }).catch(() => undefined)
    throw error
  } finally {
    clearInterval(holding)
  }
}
