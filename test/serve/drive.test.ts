import { expect, test } from 'vitest'
import type { AuditOnRecord, Due } from '../../src/model/history.ts'
import { timesOf } from '../../src/serve/cron.ts'
import { drive } from '../../src/serve/drive.ts'
import { type News, watch } from '../../src/serve/watch.ts'

const times = timesOf({ every: 6 * 3600 })
if ('problem' in times) throw new Error(times.problem)

test('an audit that was kept while it was told to stop is said to be on record', async () => {
  const stop = new AbortController()
  const news: News[] = []
  await drive(
    watch({ rules: { times, catchUp: true, delayOf: () => 0 }, lease: 60_000 }),
    {
      schedule: 'web',
      by: 'me',
      store: {
        latest: async () => null,
        claim: async () => 'mine',
        hold: async () => true,
        keepAudit: async () => {
          stop.abort()
          return true
        },
      },
      audit: async (due) => ({ audit: made(due), samples: [] }),
      onKept: () => undefined,
      tell: (each) => void news.push(each),
    },
    stop.signal,
  )
  expect(news.map(({ type }) => type)).toEqual(['taken', 'kept'])
})

function made(due: Due): AuditOnRecord {
  const head = { id: 'one', startedAt: due.at, endedAt: due.at, by: 'me', inventory: '/i.yaml', only: null }
  return { ...head, policy: null, due, report: { results: [], policy: [], rules: [] } }
}
