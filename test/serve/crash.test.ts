import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { timesOf } from '../../src/serve/cron.ts'
import { type Answer, type Effect, watch } from '../../src/serve/watch.ts'
import type { HistoryStore } from '../../src/store/history.ts'
import { historyDatabase } from '../../src/store/history-database.ts'

/** On the real record: a process dies before and after each of its steps, and another one begins where it left off. */

const NOON = Date.parse('2026-11-26T12:00:00Z')
const LEASE = 120_000
const times = timesOf({ every: 6 * 3600 })
if ('problem' in times) throw new Error(times.problem)
const RULES = { times, catchUp: true, delayOf: () => 0 }

let dir: string
let clock: number
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-crash-'))
  clock = NOON + 1000
})
afterEach(() => rmSync(dir, { recursive: true }))

const STEPS = ['latest', 'claim', 'audit', 'await', 'hold', 'keep'] as const

test.each(STEPS.flatMap((step) => [['before', step] as const, ['after', step] as const]))(
  'dead right %s %s: the audit of noon is on record once, and that of the evening after it',
  async (when, step) => {
    await life('first', (effect, isDone) => effect.do === step && isDone === (when === 'after'))
    await life('second', (effect) => effect.do === 'sleep' && clock > NOON + 7 * 3_600_000)
    const { audits, damaged } = await store().audits({})
    expect(damaged).toEqual([])
    expect(audits.map(({ due }) => String(due?.at)).sort()).toEqual([
      '2026-11-26T12:00:00.000Z',
      '2026-11-26T18:00:00.000Z',
    ])
  },
)

test('who was away longer than its lease finds another at it, keeps nothing, and the other keeps its own', async () => {
  const first = steps('first')
  await first((effect) => effect.do === 'await')
  clock += LEASE + 1000
  const second = steps('second')
  await second((effect) => effect.do === 'await')
  const ended = await first((effect) => effect.do === 'give-up' || effect.do === 'keep')
  expect(ended.do).toBe('give-up')
  await second((effect, isDone) => effect.do === 'keep' && isDone)
  const { audits } = await store().audits({})
  expect(audits.map(({ by }) => by)).toEqual(['second'])
})

function store(): HistoryStore {
  return historyDatabase(dir, (sentence) => {
    throw new Error(sentence)
  })
}

async function life(who: string, dies: Stops): Promise<void> {
  await steps(who)(dies)
}

type Stops = (effect: Effect, isDone: boolean) => boolean

/** Goes on until it is to stop, and from there when it is called again. */
function steps(who: string): (stops: Stops) => Promise<Effect> {
  const work = watch({ rules: RULES, lease: LEASE })
  const record = store()
  let effect: Effect = work.next().value
  return async (stops) => {
    for (;;) {
      if (stops(effect, false)) return effect
      const answer = await perform(who, effect, record)
      if (stops(effect, true)) return effect
      effect = work.next(answer).value
    }
  }
}

async function perform(who: string, effect: Effect, record: HistoryStore): Promise<Answer> {
  const dueAt = (at: number) => ({ schedule: 'web', at: iso(at) })
  switch (effect.do) {
    case 'now':
      return clock
    case 'sleep':
      clock += effect.ms
      return undefined
    case 'latest': {
      const latest = await record.latest('web', iso(effect.now))
      return latest === null ? null : { at: Date.parse(latest.at), state: latest.state }
    }
    case 'claim':
      return await record.claim({ due: dueAt(effect.due), by: who, now: iso(effect.now), until: iso(effect.until) })
    case 'hold':
      return await record.hold({ due: dueAt(effect.due), by: who, until: iso(effect.until) })
    case 'await':
      clock += 3000
      return 'ended'
    case 'keep': {
      const report = { results: [], policy: [], rules: [] }
      const head = { id: `${who}-${effect.due}`, startedAt: iso(clock), endedAt: iso(clock), by: who }
      const series = { inventory: '/etc/web.yaml', only: null, policy: null }
      return await record.keepAudit({ ...head, ...series, due: dueAt(effect.due), report }, [])
    }
    case 'audit':
    case 'give-up':
    case 'tell':
      return undefined
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
