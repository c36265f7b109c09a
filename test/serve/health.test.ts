import { expect, test } from 'vitest'
import { timesOf } from '../../src/serve/cron.ts'
import { healthOf, MAY_TAKE, type Watched } from '../../src/serve/health.ts'

const HOUR = 3_600_000
const NOON = Date.parse('2026-11-26T12:00:00Z')

const times = timesOf({ every: 6 * 3600 })
if ('problem' in times) throw new Error(times.problem)
const WATCHED: Watched = {
  rules: { times, catchUp: true, delayOf: () => 0 },
  since: NOON - 100 * HOUR,
  last: { due: NOON, hosts: 3, unasked: 0 },
  trouble: null,
}

test.each<readonly [string, number, Partial<Watched>, string]>([
  ['the audit that was due last is on record', NOON + 5 * HOUR, {}, 'ok'],
  ['that of noon is due, and may still be under way', NOON + MAY_TAKE - 1, { last: before(6) }, 'ok'],
  ['that of noon should be on record by now', NOON + MAY_TAKE, { last: before(6) }, 'late'],
  [
    'a begin put off counts',
    NOON + MAY_TAKE,
    { last: before(6), rules: { ...WATCHED.rules, delayOf: () => HOUR } },
    'ok',
  ],
  ['none for days', NOON + 5 * HOUR, { last: before(48) }, 'late'],
  ['none ever, though this process is here for long', NOON + HOUR, { last: null }, 'late'],
  ['whoever has just begun makes up for it first', NOON + HOUR, { last: null, since: NOON + HOUR - 1000 }, 'ok'],
  ['some hosts could not be asked', NOON + HOUR, { last: { due: NOON, hosts: 3, unasked: 2 } }, 'ok'],
  ['no host at all could be asked', NOON + HOUR, { last: { due: NOON, hosts: 3, unasked: 3 } }, 'failing'],
  ['the last attempt came to nothing', NOON + HOUR, { trouble: 'inventory.yaml: no such file' }, 'failing'],
])('%s', (_, now, watched, status) => {
  const health = healthOf(now, { ...WATCHED, ...watched })
  expect(health.status).toBe(status)
  expect(health.why).not.toBe('')
})

function before(hours: number): Watched['last'] {
  return { due: NOON - hours * HOUR, hosts: 3, unasked: 0 }
}
