import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AuditOnRecord, Due } from '../../src/model/history.ts'
import { timesOf } from '../../src/serve/cron.ts'
import { serveOnce } from '../../src/serve/once.ts'
import type { Service } from '../../src/serve/serve.ts'
import { loadEngine } from '../../src/store/engine.ts'
import type { HistoryStore } from '../../src/store/history.ts'
import { historyDatabase } from '../../src/store/history-database.ts'

/** What a timer runs, on the real record: one audit, and never two at once. */

const times = timesOf({ every: 6 * 3600 })
if ('problem' in times) throw new Error(times.problem)
const RULES = { times, catchUp: true, delayOf: () => 0 }
const never = new AbortController().signal

let state: string
let store: HistoryStore
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-once-'))
  store = historyDatabase(state, (sentence) => {
    throw new Error(sentence)
  })
})
afterEach(() => rmSync(state, { recursive: true }))

test('one that comes while another is under way begins none, also long after the lease, and says so', async () => {
  let begun = 0
  let end = () => {}
  const untilTold = new Promise<void>((resolve) => {
    end = resolve
  })
  const slow = service('first', async (due) => {
    begun++
    await untilTold
    return made(due, 'first')
  })
  const first = serveOnce({ ...slow, lease: 1500 }, never)
  await expect.poll(() => begun).toBe(1)
  await pause(1700)
  const second = await serveOnce(
    service('second', async (due) => made(due, 'second')),
    never,
  )
  expect(second).toHaveProperty('busy')
  end()
  expect(await first).toMatchObject({ audit: { id: 'first' } })
  expect((await store.audits({})).audits.map(({ id }) => id)).toEqual(['first'])
})

test('after one that failed, or was stopped, the next one need not wait', async () => {
  const failing = service('first', () => Promise.reject(new Error('no inventory')))
  expect(await serveOnce(failing, never)).toEqual({ failed: 'no inventory' })
  const stop = new AbortController()
  const stopped = service('second', async (due) => {
    stop.abort()
    return made(due, 'second')
  })
  expect(await serveOnce(stopped, stop.signal)).toEqual({ failed: 'it was stopped' })
  const third = service('third', async (due) => made(due, 'third'))
  expect(await serveOnce(third, never)).toMatchObject({ audit: { id: 'third' } })
})

test('whether somebody could be told comes out, and what could not be told is told by the next one', async () => {
  const told: string[] = []
  const untold = { ...service('first', async (due) => lost(due, 'first')), notify: async () => 'answered with 503' }
  expect(await serveOnce(untold, never)).toMatchObject({ audit: { id: 'first' }, isUntold: true })
  const next = {
    ...service('second', async (due) => lost(due, 'second')),
    notify: async ({ audit }: { readonly audit: string }) => {
      told.push(audit)
      return null
    },
  }
  expect(await serveOnce(next, never)).toMatchObject({ audit: { id: 'second' }, isUntold: false })
  expect(told).toEqual(['second'])
})

test('of another schedule one may be under way', async () => {
  const now = new Date().toISOString()
  const until = '2199-01-01T00:00:00.000Z'
  expect(await store.claim({ due: { schedule: 'other', at: now }, by: 'x', now, until })).toBe('mine')
  const one = service('one', async (due) => made(due, 'one'))
  expect(await serveOnce(one, never)).toMatchObject({ audit: { id: 'one' } })
})

test('the last audit of a schedule is found among any number of others, and one of a clock that was ahead is none', async () => {
  const weekly = made({ schedule: 'weekly', at: '2026-11-20T00:00:00.000Z' }, 'weekly').audit
  await store.keepAudit(weekly, [])
  const database = new (await loadEngine())(join(state, 'ctfleet.db'), { timeout: 100 })
  // As those of a schedule of every five minutes are, week after week.
  database.exec(`insert into audits
    with recursive often (nth) as (select 1 union all select nth + 1 from often where nth < 2000)
    select 'often-' || nth, '2026-11-21T00:00:00.000Z', '2026-11-21T00:00:01.000Z', 'x', '/etc/web.yaml', null, null,
      'often', strftime('%Y-%m-%dT%H:%M:00.000Z', '2026-11-20', nth || ' minutes'), 0, 0, 0, 0, 0
    from often`)
  database.close()
  const ahead = made({ schedule: 'weekly', at: '2027-11-27T00:00:00.000Z' }, 'ahead').audit
  await store.keepAudit({ ...ahead, startedAt: weekly.startedAt, endedAt: weekly.endedAt }, [])
  expect((await store.audits({})).audits).toHaveLength(2002)
  expect(await store.newestDue('weekly', '2026-11-27T00:00:00.000Z')).toBe('weekly')
  expect(await store.newestDue('weekly', '2026-11-19T00:00:00.000Z')).toBeNull()
  expect(await store.newestDue('none', '2026-11-27T00:00:00.000Z')).toBeNull()
})

function service(by: string, audit: Service['audit']): Service {
  const here = {
    schedule: 'web',
    state,
    store,
    pagesStore: store,
    rules: RULES,
    lease: 120_000,
    notify: null,
    listen: null,
  }
  return { ...here, by, audit, tell: () => undefined }
}

function made(due: Due, id: string): { readonly audit: AuditOnRecord; readonly samples: [] } {
  const head = { id, startedAt: due.at, endedAt: due.at, by: 'ops@bastion', inventory: '/etc/web.yaml' }
  return {
    audit: { ...head, only: null, policy: null, due, report: { results: [], policy: [], rules: [] } },
    samples: [],
  }
}

/** Its host could not be asked: there is something to tell. */
function lost(due: Due, id: string): { readonly audit: AuditOnRecord; readonly samples: [] } {
  const { audit, samples } = made(due, id)
  const fault = { code: 'unreachable', message: 'no answer', hint: null } as const
  const results = [{ host: 'web-1', status: 'unreachable', fault }] as unknown as AuditOnRecord['report']['results']
  return { audit: { ...audit, report: { ...audit.report, results } }, samples }
}
