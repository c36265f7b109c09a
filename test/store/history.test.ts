import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadEngine } from '../../src/store/engine.ts'
import type { HistoryStore } from '../../src/store/history.ts'
import { historyDatabase } from '../../src/store/history-database.ts'
import { aFinding, anAudit, aSample, audited, reportOf, samplesIn } from './audit-on-record.ts'

let state: string
let store: HistoryStore

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
  store = historyDatabase(state, (sentence) => {
    throw new Error(sentence)
  })
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

describe('audits', () => {
  test('what was kept is loaded as it was, and counted in lists', async () => {
    const audit = anAudit({
      only: '--limit web',
      policy: 'policy.yaml',
      due: { schedule: 'night', at: '2026-11-26T09:40:00.000Z' },
    })
    expect(await store.keepAudit(audit, [])).toBe(true)
    expect(await store.loadAudit(audit.id)).toEqual({ type: 'found', audit })
    const { report: _, ...head } = audit
    const counts = { critical: 1, warning: 1, info: 0, hosts: 5, unasked: 3 }
    expect(await store.audits({})).toEqual({ audits: [{ ...head, ...counts }], damaged: [] })
  })

  test('are found by the beginning of an id, or as the last one, and listed newest first', async () => {
    for (const [id, startedAt] of [
      ['20261126-0942-aaaa', '2026-11-26T09:42:01.000Z'],
      ['20261126-0942-0000', '2026-11-26T09:42:50.000Z'],
      ['20261127-0942-bbbb', '2026-11-25T09:42:00.000Z'],
    ] as const) {
      await store.keepAudit(anAudit({ id, startedAt }), [])
    }
    const ids = async (chosen: Parameters<HistoryStore['audits']>[0]) =>
      (await store.audits(chosen)).audits.map(({ id }) => id)
    expect(await ids({})).toEqual(['20261126-0942-0000', '20261126-0942-aaaa', '20261127-0942-bbbb'])
    expect(await ids({ limit: 1 })).toEqual(['20261126-0942-0000'])
    expect(await ids({ inventory: 'another' })).toEqual([])
    expect(await store.loadAudit('last')).toMatchObject({ audit: { id: '20261126-0942-0000' } })
    expect(await store.loadAudit('20261127')).toMatchObject({ audit: { id: '20261127-0942-bbbb' } })
    expect(await store.loadAudit('20261126')).toEqual({
      type: 'several',
      ids: ['20261126-0942-aaaa', '20261126-0942-0000'],
    })
    expect(await store.loadAudit('')).toEqual({ type: 'none' })
    expect(await store.loadAudit('%')).toEqual({ type: 'none' })
  })

  test('the last of a series is of the same inventory, the same hosts of it, and the same policy', async () => {
    const series = { inventory: 'a', only: null, policy: null }
    await store.keepAudit(anAudit({ ...series, id: 'wanted' }), [])
    const others = [{ inventory: 'b' }, { only: '--limit web' }, { policy: 'p.yaml' }]
    for (const [at, other] of others.entries()) {
      await store.keepAudit(
        anAudit({ ...series, ...other, id: `other-${at}`, startedAt: '2026-11-27T00:00:00.000Z' }),
        [],
      )
    }
    expect(await store.lastOf(series)).toMatchObject({ audit: { id: 'wanted' } })
    expect(await store.lastOf({ ...series, inventory: 'c' })).toEqual({ type: 'none' })
  })

  test('one that cannot be read is named, and hides no other', async () => {
    await store.keepAudit(anAudit(), [])
    await store.keepAudit(anAudit({ id: 'odd' }), [])
    await edit("update audits set started_at = 'yesterday' where id = 'odd'")
    const why = 'has no sound startedAt'
    expect(await store.audits({})).toMatchObject({ audits: [{ id: anAudit().id }], damaged: [{ why }] })
    expect(await store.loadAudit('odd')).toMatchObject({ type: 'damaged', why })
  })

  const notOne = 'no report'
  test.each([
    ['gone', 'delete from reports'],
    ['cut off', 'update reports set packed = substr(packed, 1, 40)'],
    ['something else', "update reports set packed = x'00ff'"],
  ])(`a report that is ${notOne}: %s`, async (_name, sql) => {
    await store.keepAudit(anAudit(), [])
    await edit(sql)
    expect(await store.loadAudit(anAudit().id)).toMatchObject({ type: 'damaged', why: 'has no sound report' })
    expect((await store.audits({})).audits).toHaveLength(1)
  })

  test.each([
    ['a status nobody knows', reportOf({ host: 'a', status: 'fine' } as never)],
    ['a finding without evidence', reportOf(audited('a', aFinding('x', 'warning', { evidence: 1 as never })))],
    ['a severity nobody knows', reportOf(audited('a', aFinding('x', 'toString' as never)))],
    ['no rules', { ...reportOf(), rules: null as never }],
  ])('a report that holds %s is damaged, and not half read', async (_name, report) => {
    await store.keepAudit({ ...anAudit({ report: reportOf() }), id: 'odd' }, [])
    const packed = (await import('node:zlib')).gzipSync(JSON.stringify(report)).toString('hex')
    await edit(`update reports set packed = x'${packed}'`)
    expect(await store.loadAudit('odd')).toMatchObject({ type: 'damaged' })
  })

  test('a fleet of thousands that is well takes little room', async () => {
    const hosts = Array.from({ length: 5000 }, (_, at) => audited(`web-${at}`, aFinding('long-timeouts', 'info')))
    await store.keepAudit(anAudit({ report: reportOf(...hosts) }), [])
    const { size } = (await import('node:fs')).statSync(join(state, 'ctfleet.db'))
    expect(size).toBeLessThan(500_000)
  })
})

describe('samples', () => {
  test('come back host by host, oldest first, of the host, the inventory and the time that are wanted', async () => {
    const [early, late] = [aSample('2026-11-25T00:00:00.000Z'), aSample('2026-11-26T00:00:00.000Z', { entries: 2000 })]
    const other = aSample('2026-11-26T01:00:00.000Z', { host: 'web-2' })
    const elsewhere = aSample('2026-11-26T02:00:00.000Z', {
      inventory: 'elsewhere',
      boot: null,
      entries: null,
      max: null,
      drops: null,
    })
    await store.keepSamples([late, elsewhere, early, other])
    const since = '2026-01-01T00:00:00Z'
    expect(await samplesIn(store, { since })).toEqual([early, late, elsewhere, other])
    expect(await samplesIn(store, { since: '2026-11-26T01:00:00+01:00', host: 'web-1' })).toEqual([late, elsewhere])
    expect(await samplesIn(store, { since, inventory: 'elsewhere' })).toEqual([elsewhere])
  })

  test('hosts of one name in two inventories are two series, and a host without any is none', async () => {
    const on = (day: number) => aSample(`2026-11-${day}T00:00:00.000Z`)
    const [before, early, late] = [on(24), on(25), on(26)]
    const [other, elsewhere] = [aSample(early.at, { host: 'web-0' }), aSample(late.at, { inventory: 'elsewhere' })]
    await store.keepSamples([before, early, late, elsewhere, other, aSample(before.at, { host: 'old' })])
    const all: unknown[] = []
    for await (const samples of store.series({ since: early.at })) all.push(samples)
    expect(all).toEqual([[other], [early, late], [elsewhere]])
  })

  test('the first of those that are wanted is known without reading them', async () => {
    const [early, late] = [aSample('2026-11-25T00:00:00.000Z'), aSample('2026-11-26T00:00:00.000Z', { host: 'web-2' })]
    await store.keepSamples([late, early])
    expect(await store.firstSample({ since: '2026-01-01T00:00:00Z' })).toBe(early.at)
    expect(await store.firstSample({ since: '2026-01-01T00:00:00Z', host: 'web-2' })).toBe(late.at)
    expect(await store.firstSample({ since: '2026-11-26T00:00:01Z' })).toBeNull()
    // Somebody's hand in the file.
    await edit(`update samples set at = '2026-11-00T00:00:00.000Z' where at = '${early.at}'`)
    expect(await store.firstSample({ since: '2026-01-01T00:00:00Z' })).toBe(late.at)
  })

  test('of thousands little is held at once, and others write meanwhile', async () => {
    const hosts = Array.from({ length: 60 }, (_, at) => `web-${String(at).padStart(2, '0')}`)
    const times = Array.from({ length: 1000 }, (_, at) => new Date(Date.UTC(2026, 10, 26, 0, at)).toISOString())
    await store.keepSamples(hosts.flatMap((host) => times.map((at) => aSample(at, { host }))))
    const read: string[] = []
    for await (const samples of store.series({ since: '2026-01-01T00:00:00Z' })) {
      const [{ host } = { host: '' }] = samples
      read.push(host)
      expect(samples).toHaveLength(host === 'web-59' ? 1001 : 1000)
      if (read.length === 1) await store.keepSamples([aSample('2026-11-26T20:00:00.000Z', { host: 'web-59' })])
    }
    expect(read).toEqual(hosts)
  })

  test('the newest of each host is found, and of one inventory alone', async () => {
    const [old, young] = [aSample('2026-11-25T00:00:00.000Z'), aSample('2026-11-26T00:00:00.000Z')]
    const other = aSample('2026-11-20T00:00:00.000Z', { host: 'web-2' })
    await store.keepSamples([young, old, other, aSample('2026-11-27T00:00:00.000Z', { inventory: 'elsewhere' })])
    expect(await store.lastSamples('/srv/hosts.yaml')).toEqual([young, other])
    // What a plan read since the audit is not what the audit read.
    await store.keepAudit(anAudit({ endedAt: '2026-11-25T12:00:00.000Z' }), [])
    expect(await store.lastSamples('/srv/hosts.yaml')).toEqual([old, other])
  })

  test('the audit and what it read are kept together, or neither', async () => {
    await store.keepAudit(anAudit(), [aSample('2026-11-26T00:00:00.000Z')])
    const twice = store.keepAudit(anAudit(), [aSample('2026-11-27T00:00:00.000Z')])
    await expect(twice).rejects.toThrow(/UNIQUE/)
    expect(await samplesIn(store, { since: '2026-01-01T00:00:00Z' })).toHaveLength(1)
  })

  test('what no counter can be counts as not known', async () => {
    const odd = { entries: Number.NaN, max: 1.5, buckets: -1, drops: 2 ** 60, earlyDrops: 2 ** 53 - 1 }
    await store.keepSamples([aSample('2026-11-26T00:00:00.000Z', odd)])
    const [read] = await samplesIn(store, { since: '2026-01-01T00:00:00Z' })
    expect(read).toMatchObject({ entries: null, max: null, buckets: null, drops: null, earlyDrops: 2 ** 53 - 1 })
  })

  test('where nothing was kept yet nothing is made by asking', async () => {
    expect(await samplesIn(store, { since: '2026-01-01T00:00:00Z' })).toEqual([])
    expect(await store.audits({})).toEqual({ audits: [], damaged: [] })
    expect(await store.latest('night', '2026-01-01T00:00:00Z')).toBeNull()
    expect((await import('node:fs')).existsSync(join(state, 'ctfleet.db'))).toBe(false)
  })
})

describe('due times', () => {
  const due = { schedule: 'night', at: '2026-11-26T02:00:00.000Z' }
  const claim = (by: string, now: string, until: string) => store.claim({ due, by, now, until })

  test('one of all that ask gets it, until its time is over without an audit', async () => {
    expect(await claim('a', '2026-11-26T02:00:00Z', '2026-11-26T02:10:00Z')).toBe('mine')
    expect(await claim('b', '2026-11-26T02:01:00Z', '2026-11-26T02:11:00Z')).toBe('held')
    expect(await claim('a', '2026-11-26T02:01:00Z', '2026-11-26T02:10:00Z')).toBe('mine')
    expect(await store.latest('night', '2026-11-26T02:05:00Z')).toEqual({ at: due.at, state: 'held' })
    expect(await store.latest('night', '2026-11-26T02:10:00Z')).toEqual({ at: due.at, state: 'abandoned' })
    expect(await claim('b', '2026-11-26T02:10:00Z', '2026-11-26T02:20:00Z')).toBe('mine')
    expect(await store.hold({ due, by: 'a', until: '2026-11-26T03:00:00Z' })).toBe(false)
    expect(await store.hold({ due, by: 'b', until: '2026-11-26T03:00:00Z' })).toBe(true)
    expect(await claim('c', '2026-11-26T02:30:00Z', '2026-11-26T02:40:00Z')).toBe('held')
  })

  test('one that has its audit is done, for whoever asks, and of two audits the first is kept', async () => {
    await claim('a', '2026-11-26T02:00:00Z', '2026-11-26T02:10:00Z')
    expect(await store.keepAudit(anAudit({ id: 'first', due }), [])).toBe(true)
    expect(await store.keepAudit(anAudit({ id: 'second', due: { ...due, at: '2026-11-26T03:00:00+01:00' } }), [])).toBe(
      false,
    )
    expect(await store.loadAudit('second')).toEqual({ type: 'none' })
    expect(await claim('b', '2026-11-27T00:00:00Z', '2026-11-27T00:10:00Z')).toBe('done')
    expect(await store.hold({ due, by: 'a', until: '2026-11-27T00:00:00Z' })).toBe(false)
    expect(await store.latest('night', '2026-11-27T00:00:00Z')).toEqual({ at: due.at, state: 'done' })
  })

  test('schedules are apart from each other, and the latest due time is told, not the latest claim', async () => {
    await store.keepAudit(anAudit({ due: { ...due, schedule: 'other' } }), [])
    expect(await store.latest('night', due.at)).toBeNull()
    const later = { ...due, at: '2026-11-26T08:00:00.000Z' }
    await store.claim({ due: later, by: 'a', now: later.at, until: '2026-11-26T08:10:00Z' })
    await claim('a', '2026-11-26T08:01:00Z', '2026-11-26T08:11:00Z')
    expect(await store.latest('night', '2026-11-26T08:02:00Z')).toEqual({ at: later.at, state: 'held' })
  })

  test('of many that ask at once one gets it', async () => {
    const asked = await Promise.all(
      Array.from(
        { length: 8 },
        async (_, at) =>
          await historyDatabase(state, () => {}).claim({
            due,
            by: `p${at}`,
            now: due.at,
            until: '2026-11-26T02:10:00Z',
          }),
      ),
    )
    expect(asked.filter((each) => each === 'mine')).toHaveLength(1)
    expect(asked.filter((each) => each === 'held')).toHaveLength(7)
  })
})

async function edit(sql: string): Promise<void> {
  const database = new (await loadEngine())(join(state, 'ctfleet.db'), { timeout: 100 })
  database.exec(sql)
  database.close()
}
