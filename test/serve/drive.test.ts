import { expect, test } from 'vitest'
import type { AuditOnRecord, Due } from '../../src/model/history.ts'
import { timesOf } from '../../src/serve/cron.ts'
import { drive } from '../../src/serve/drive.ts'
import { type News, watch } from '../../src/serve/watch.ts'

const times = timesOf({ every: 6 * 3600 })
if ('problem' in times) throw new Error(times.problem)
const rules = { times, catchUp: true, delayOf: () => 0 }

test('an audit that was kept while it was told to stop is said to be on record', async () => {
  expect(await toldOfKeeping(async () => true)).toEqual(['taken', 'kept'])
})

test('and one that could not be kept, that it is not', async () => {
  const full = async () => await Promise.reject(new Error('disk full'))
  expect(await toldOfKeeping(full)).toEqual(['taken', 'no-record'])
})

/** What is told where the signal comes while an audit is being kept. */
async function toldOfKeeping(keep: () => Promise<boolean>): Promise<readonly News['type'][]> {
  const stop = new AbortController()
  const news: News[] = []
  await drive(
    watch({ rules, lease: 60_000 }),
    {
      schedule: 'web',
      by: 'me',
      store: {
        latest: async () => null,
        claim: async () => 'mine',
        hold: async () => true,
        keepAudit: async () => {
          stop.abort()
          return await keep()
        },
      },
      audit: async (due) => ({ audit: made(due), samples: [] }),
      onKept: () => undefined,
      tell: (each) => void news.push(each),
    },
    stop.signal,
  )
  return news.map(({ type }) => type)
}

function made(due: Due): AuditOnRecord {
  const head = { id: 'one', startedAt: due.at, endedAt: due.at, by: 'me', inventory: '/i.yaml', only: null }
  return { ...head, policy: null, due, report: { results: [], policy: [], rules: [] } }
}
