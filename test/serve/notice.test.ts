import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AuditFinding, AuditResult } from '../../src/model/audit.ts'
import type { AuditOnRecord } from '../../src/model/history.ts'
import { unknown } from '../../src/model/reading.ts'
import type { Notice } from '../../src/serve/notice.ts'
import { type Means, type NotifierNews, newNotifier } from '../../src/serve/notifier.ts'

/** What is told, over a series of audits; whatever becomes of the telling. */

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-notice-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

test('what could not be sent is in the next notice, also where another process sends it', async () => {
  const one = auditOf('1', host('web', 'pressure'))
  const two = auditOf('2', host('web', 'pressure', 'loss'))
  const down = notifier([one, two], 'is down')
  expect(await down(one)).toEqual([])
  const up = notifier([one, two], null)
  const [notice] = await up(two)
  expect(notice?.comparedWith).toBeNull()
  expect(notice?.new.map(({ rule }) => rule)).toEqual(['pressure', 'loss'])
  expect(await up(two)).toEqual([])
})

test('nothing is told where nothing changed, and only what is worse where something is', async () => {
  const series = [
    auditOf('1', host('web', 'pressure')),
    auditOf('2', host('web', 'pressure')),
    auditOf('3', host('web', 'pressure!')),
    auditOf('4', lost('web')),
    auditOf('5', host('web', 'pressure!')),
  ]
  const told = notifier(series, null)
  const summaries = []
  for (const audit of series) summaries.push((await told(audit)).map(({ summary }) => summary))
  expect(summaries).toEqual([
    ['1 new finding'],
    [],
    ['1 worse'],
    ['1 host could not be audited'],
    ['1 new finding, 1 host audited again'],
  ])
})

test('a remembered audit that is gone from the record, or a memory cut off, tells all rather than nothing', async () => {
  writeFileSync(join(dir, 'told.json'), '{"audit":"swept away"}')
  const one = auditOf('1', host('web', 'pressure'))
  expect((await notifier([one], null)(one)).map(({ comparedWith }) => comparedWith)).toEqual([null])
  writeFileSync(join(dir, 'told.json'), '{"aud')
  expect(await notifier([one], null)(one)).toHaveLength(1)
  expect(JSON.parse(readFileSync(join(dir, 'told.json'), 'utf8'))).toEqual({ audit: '1', at: one.startedAt })
})

test('what was not taken is sent again by itself, under the same name, until it is', async () => {
  const one = auditOf('1', host('web', 'pressure'))
  const tries: string[] = []
  const send = async ({ audit }: Notice) => (tries.push(audit) < 4 ? 'is down' : null)
  await new Promise<void>((resolve) => {
    const tell = ({ type }: NotifierNews) => (type === 'sent' ? resolve() : undefined)
    newNotifier({ ...means([one]), send, tell }, { first: 1, longest: 4 }).consider(one)
  })
  expect(tries).toEqual(['1', '1', '1', '1'])
})

test('while one is being told the newest waits alone, and after a stop nothing is begun', async () => {
  const audits = Array.from({ length: 50 }, (_, at) => auditOf(String(at), host('web', `rule-${at}`)))
  const [first, ...others] = audits
  if (first === undefined) throw new Error('there is none')
  const sending: (() => void)[] = []
  const sent: string[] = []
  const send = async ({ audit }: Notice) => {
    sent.push(audit)
    await new Promise<void>((resolve) => sending.push(resolve))
    return null
  }
  const made = newNotifier({ ...means(audits), send })
  made.consider(first)
  for (const each of others) made.consider(each)
  await expect.poll(() => sending).toHaveLength(1)
  sending[0]?.()
  await expect.poll(() => sent).toEqual(['0', '49'])
  made.consider(auditOf('late', host('web', 'late')))
  const stopped = made.stop()
  sending[1]?.()
  await stopped
  expect(sent).toEqual(['0', '49'])
})

test('what is given up at a stop is not promised to be sent again: whoever comes next does', async () => {
  const one = auditOf('1', host('web', 'pressure'))
  const news: NotifierNews[] = []
  const under: ((why: string) => void)[] = []
  const send = () => new Promise<string>((resolve) => void under.push(resolve))
  const tell = (each: NotifierNews) => void news.push(each)
  const made = newNotifier({ ...means([one]), send, tell }, { first: 1, longest: 1 })
  made.consider(one)
  await expect.poll(() => under).toHaveLength(1)
  under[0]?.('is down')
  await expect.poll(() => under).toHaveLength(2)
  const stopped = made.stop()
  under[1]?.('was given up')
  await stopped
  expect(news).toEqual([
    { type: 'not-sent', why: 'is down', again: true },
    { type: 'not-sent', why: 'was given up', again: false },
  ])
})

test('two processes at one record: both are told, and the memory keeps the newer one, whoever was slower', async () => {
  const old = { ...auditOf('old', host('web', 'pressure')), startedAt: '2026-01-01T12:00:00.000Z' }
  const newer = { ...auditOf('newer', host('web', 'loss')), startedAt: '2026-01-01T13:00:00.000Z' }
  const news: string[] = []
  let goOn = () => {}
  const slow = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const tell = ({ type }: NotifierNews) => void news.push(type)
  const behind = newNotifier({ ...means([old, newer]), tell, send: async () => slow.then(() => null) })
  behind.consider(old)
  const ahead = newNotifier({ ...means([old, newer]), tell, send: async () => null })
  ahead.consider(newer)
  await ahead.over()
  goOn()
  await behind.over()
  expect(news).toEqual(['sent', 'sent'])
  expect(JSON.parse(readFileSync(join(dir, 'told.json'), 'utf8'))).toMatchObject({ audit: 'newer' })
  behind.consider({ ...old, id: 'older still' })
  await behind.over()
  expect(news).toEqual(['sent', 'sent'])
})

test('what a clock wrote that was years ahead silences nothing', async () => {
  writeFileSync(join(dir, 'told.json'), '{"audit":"x","at":"2199-01-01T00:00:00.000Z"}')
  const one = auditOf('1', host('web', 'pressure'))
  expect(await notifier([one], null)(one)).toHaveLength(1)
})

test('many processes that remember at once leave one memory, whole, and nothing beside it', async () => {
  const audits = Array.from({ length: 20 }, (_, at) => auditOf(String(at), host('web', 'pressure')))
  const news: string[] = []
  const tell = ({ type }: NotifierNews) => void news.push(type)
  const all = audits.map((audit) => {
    const made = newNotifier({ ...means(audits), tell })
    made.consider(audit)
    return made
  })
  await Promise.all(all.map(async (made) => await made.over()))
  expect(new Set(news)).toEqual(new Set(['sent']))
  expect(readdirSync(dir)).toEqual(['told.json'])
})

test('a remedy can be typed as it is told: host and inventory are words of a shell', async () => {
  const odd = auditOf('1', {
    ...audited("it's web"),
    findings: [{ ...finding('loss'), remedy: 'ctfleet plan --limit HOST' }],
  })
  const [notice] = await notifier([odd], null)({ ...odd, inventory: '/srv/my hosts.yaml' })
  expect(notice?.new[0]?.remedy).toBe("ctfleet plan -i '/srv/my hosts.yaml' --limit 'it'\\''s web'")
})

test('a fleet in which all is wrong makes a notice that still fits', async () => {
  const hosts = Array.from({ length: 3000 }, (_, at) => host(`web-${at}`, 'x'.repeat(40)))
  const long = { ...finding('loss'), title: 'y'.repeat(100_000) }
  const big = auditOf('1', ...hosts, { ...audited('db'), findings: [long] })
  const [notice] = await notifier([big], null)(big)
  expect(notice?.counts.new).toBe(3001)
  expect(notice?.new).toHaveLength(100)
  expect(JSON.stringify(notice).length).toBeLessThan(100_000)
})

function notifier(onRecord: readonly AuditOnRecord[], why: string | null) {
  const sent: Notice[] = []
  const send = async (notice: Notice) => {
    if (why === null) sent.push(notice)
    return why
  }
  const made = newNotifier({ ...means(onRecord), send })
  return async (audit: AuditOnRecord) => {
    made.consider(audit)
    await made.over()
    return sent.splice(0)
  }
}

/** A file for its memory, a record, and somebody who takes everything. */
function means(onRecord: readonly AuditOnRecord[]): Means {
  return {
    file: join(dir, 'told.json'),
    load: async (id) => onRecord.find((each) => each.id === id) ?? null,
    send: async () => null,
    tell: () => undefined,
  }
}

function auditOf(id: string, ...results: readonly AuditResult[]): AuditOnRecord {
  const at = '2026-11-26T12:00:00.000Z'
  const head = { id, startedAt: at, endedAt: at, by: 'ops@bastion', inventory: '/etc/hosts.yaml', only: null }
  return { ...head, policy: null, due: { schedule: 'web', at }, report: { results, policy: [], rules: [] } }
}

function host(name: string, ...rules: readonly string[]): AuditResult {
  return { ...audited(name), findings: rules.map(finding) }
}

function audited(name: string): Extract<AuditResult, { status: 'audited' }> {
  const nothing = unknown('not asked')
  const traits = { max: nothing, buckets: nothing, timeouts: nothing, managers: nothing }
  return { host: name, status: 'audited', findings: [], traits }
}

function lost(name: string): AuditResult {
  return { host: name, status: 'unreachable', fault: { code: 'timed-out', message: 'no answer', next: 'ping it' } }
}

/** `pressure!` is the same, and critical. */
function finding(rule: string): AuditFinding {
  const name = rule.replace('!', '')
  const severity = rule.endsWith('!') ? 'critical' : 'warning'
  return {
    rule: name,
    severity,
    title: `${name} is up`,
    evidence: [],
    threshold: null,
    remedy: 'mend HOST',
    waived: null,
  }
}
