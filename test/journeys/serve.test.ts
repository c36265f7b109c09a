import { createHmac } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { AuditSummary } from '../../src/model/history.ts'
import { historyDatabase } from '../../src/store/history-database.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { samplesIn } from '../store/audit-on-record.ts'
import { startCtfleet } from '../support/ctfleet.ts'
import { parseExposition } from '../support/exposition.ts'

/** The watch as it runs for weeks, on a host of the lab: killed, doubled, asked, and told to stop. */

const able = canRunLab()
let lab: Lab
let dir: string
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-serve-'))
  lab = await startLab({ hosts: ['healthy-1'] })
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

const RULE = `
own:
  - id: too-many
    when: conntrack.max > 1.0
    severity: warning
    title: more than one entry may be here
`

test('killed between claim and run: the claim runs out, another process makes the audit, and it is on record once', async () => {
  const state = await newState('killed')
  const first = serve(state, ['--every', '1d', '--lease', '4s'])
  await first.until(/the audit of \S+ begins/)
  first.kill('SIGKILL')
  expect((await first.ended).code).toBe(-1)
  expect(await kept(state)).toEqual([])

  const second = serve(state, ['--every', '1d', '--lease', '4s'])
  await second.until(/the audit of \S+ is on record/)
  second.kill('SIGTERM')
  const { code, stderr } = await second.ended
  expect(code).toBe(0)
  expect(stderr).toContain('SIGTERM: stopping')
  // None was under way.
  expect(stderr).not.toContain('given up')
  const [audit, ...others] = await kept(state)
  expect(others).toEqual([])
  expect(audit?.due?.at.slice(11)).toMatch(/^00:00:00/)
  expect(audit).toMatchObject({ hosts: 1, unasked: 0 })
})

test('two processes on one record: each due time has one audit, made by one of them', async () => {
  const state = await newState('two')
  const both = [1, 2].map(() => serve(state, ['--every', '10s', '--name', 'shared']))
  await pause(45_000)
  for (const one of both) one.kill('SIGTERM')
  const ended = await Promise.all(both.map(async (one) => await one.ended))
  expect(ended.map(({ code }) => code)).toEqual([0, 0])
  const dues = (await kept(state)).map(({ due }) => due?.at)
  expect(dues.length).toBeGreaterThanOrEqual(3)
  expect(new Set(dues).size).toBe(dues.length)
  // Who lost the race began nothing: what was begun was kept, but for what the end cut off.
  const begun = ended.flatMap(({ stderr }) => stderr.match(/the audit of \S+ begins/g) ?? [])
  expect(new Set(begun).size).toBe(begun.length)
  expect(begun.length - dues.length).toBeLessThanOrEqual(1)
})

test('told to stop in the middle of an audit it ends at once, and the next one need not wait for the lease', async () => {
  const state = await newState('stopped')
  const first = serve(state, ['--every', '1d', '--lease', '1h'])
  await first.until(/the audit of \S+ begins/)
  first.kill('SIGTERM')
  const ended = await first.ended
  expect(ended.code).toBe(0)
  expect(ended.stderr).toContain('SIGTERM: stopping; the audit that is under way is given up')
  expect(await kept(state)).toEqual([])
  const second = serve(state, ['--every', '1d', '--lease', '1h'])
  await second.until(/the audit of \S+ is on record/)
  second.kill('SIGINT')
  expect((await second.ended).code).toBe(0)
  expect(await kept(state)).toHaveLength(1)
})

test('metrics and health are there, in their format, for this machine alone, and bounded', async () => {
  const state = await newState('pages')
  const one = serve(state, ['--every', '1d', '--listen', '127.0.0.1:0'])
  await one.until(/the audit of \S+ is on record/)
  const [, port = ''] = /metrics at http:\/\/127\.0\.0\.1:(\d+)\/metrics/.exec(one.said()) ?? []

  const metrics = await ask(port, '/metrics')
  expect(metrics.status).toBe(200)
  expect(metrics.type).toBe('text/plain; version=0.0.4; charset=utf-8')
  const found = parseExposition(metrics.text)
  expect(found.get('ctfleet_watch_health')?.samples.find(({ labels }) => labels.status === 'ok')?.value).toBe(1)
  expect(found.get('ctfleet_audit_host_asked')?.samples).toMatchObject([{ labels: { host: 'healthy-1' }, value: 1 }])
  expect(found.get('ctfleet_watch_audits_total')?.type).toBe('counter')
  expect(found.get('ctfleet_watch_audits_total')?.samples.find(({ labels }) => labels.result === 'kept')?.value).toBe(1)

  const health = await ask(port, '/healthz')
  expect(health.status).toBe(200)
  expect(JSON.parse(health.text)).toEqual({ status: 'ok', why: 'the last audit was in time' })
  expect((await ask(port, '/')).status).toBe(404)
  expect((await ask(port, '/metrics', { method: 'POST' })).status).toBe(405)
  expect((await ask(port, '/metrics', { headers: { host: 'evil.example.com' } })).status).toBe(403)
  expect((await ask(port, '/metrics', { headers: { 'x-long': 'a'.repeat(20_000) } })).status).toBe(431)

  const other = serve(state, ['--every', '1d', '--listen', `127.0.0.1:${port}`])
  const { code, stderr } = await other.ended
  expect(code).toBe(2)
  expect(stderr).toContain(`--listen: 127.0.0.1:${port} is in use by another program, or by another ctfleet serve`)
  one.kill('SIGTERM')
  expect((await one.ended).code).toBe(0)

  const open = serve(state, ['--every', '1d', '--listen', '0.0.0.0:0'])
  await open.until(/0\.0\.0\.0:0 can be reached from elsewhere/)
  open.kill('SIGTERM')
  await open.ended
})

test('a command is told of what changed, and of nothing else: a finding comes, stays and goes, a host is lost and comes back', async () => {
  const state = await newState('told')
  const policy = join(state, 'policy.yaml')
  await writeFile(policy, RULE)
  const told = join(state, 'told.jsonl')
  const command = join(state, 'tell')
  await writeFile(command, `#!/bin/sh\ntr -d '\\n' >> ${told}\necho >> ${told}\n`)
  await chmod(command, 0o755)
  const one = serve(state, ['--every', '10s', '--policy', policy, '--notify-command', command])
  const notices = async () => {
    const text = await readFile(told, 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
  await expect.poll(notices, WAIT).toHaveLength(1)
  const [first] = await notices()
  expect(first).toMatchObject({ version: 1, type: 'audit-changed', comparedWith: null })
  expect(first.new.map(({ rule }: { rule: string }) => rule)).toContain('too-many')

  await one.until(/nothing changed, so nobody is told/)
  expect(await notices()).toHaveLength(1)

  await writeFile(policy, RULE.replace('> 1.0', '< 1.0'))
  await expect.poll(notices, WAIT).toHaveLength(2)
  expect((await notices())[1]).toMatchObject({ counts: { new: 0, gone: 1, lost: 0 }, gone: [{ rule: 'too-many' }] })

  await lab.host('healthy-1').cut()
  await expect.poll(notices, WAIT).toHaveLength(3)
  const third = (await notices())[2]
  expect(third.lost).toMatchObject([{ host: 'healthy-1', status: 'unreachable' }])
  expect(third.summary).toContain('1 host could not be audited')
  await lab.host('healthy-1').mend()
  await expect.poll(notices, WAIT).toHaveLength(4)
  expect((await notices())[3]).toMatchObject({ back: ['healthy-1'] })
  one.kill('SIGTERM')
  expect((await one.ended).code).toBe(0)
})

test('a webhook gets it signed, again where it was busy, and once more after a restart where it never took it', async () => {
  const state = await newState('webhook')
  const secret = join(state, 'hook.secret')
  await writeFile(secret, 'lab-secret\n', { mode: 0o600 })
  const policy = join(state, 'policy.yaml')
  await writeFile(policy, RULE)
  const got: { readonly signed: boolean; readonly delivery: unknown; readonly body: string }[] = []
  let isBusy = true
  const server = createServer((asked, answer) => {
    let body = ''
    asked.on('data', (chunk) => {
      body += chunk
    })
    asked.on('end', () => {
      const digest = createHmac('sha256', 'lab-secret')
        .update(`${String(asked.headers['x-ctfleet-timestamp'])}.${body}`)
        .digest('hex')
      const signed = asked.headers['x-ctfleet-signature'] === `sha256=${digest}`
      got.push({ signed, delivery: asked.headers['x-ctfleet-delivery'], body })
      answer.writeHead(isBusy ? 503 : 204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/top-secret`
  const words = ['--every', '1d', '--policy', policy, '--webhook', url, '--webhook-secret-file', secret]
  const first = serve(state, words)
  await expect.poll(() => got.length, WAIT).toBeGreaterThanOrEqual(2)
  first.kill('SIGTERM')
  const { stderr } = await first.ended
  expect(stderr).toContain('could not tell the webhook at 127.0.0.1')
  expect(stderr).not.toContain('top-secret')
  expect(new Set(got.map(({ delivery }) => delivery)).size).toBe(1)

  isBusy = false
  const before = got.length
  const second = serve(state, words)
  await second.until(/told the webhook/)
  second.kill('SIGTERM')
  await second.ended
  expect(got).toHaveLength(before + 1)
  expect(got.every(({ signed }) => signed)).toBe(true)
  expect(JSON.parse(got.at(-1)?.body ?? '')).toMatchObject({ type: 'audit-changed', comparedWith: null })
  // What is signed tells one that comes twice from another one.
  expect(new Set(got.map(({ body }) => JSON.parse(body).audit))).toEqual(new Set([got[0]?.delivery]))
  server.close()
})

test('once is one audit, on record, with the exit codes of audit', async () => {
  const state = await newState('once')
  const policy = join(state, 'policy.yaml')
  await writeFile(policy, RULE)
  const history = historyDatabase(state, () => undefined)
  const held = { due: { schedule: 'once', at: '2026-11-26T00:00:00Z' }, by: 'another', now: '2026-11-26T00:00:00Z' }
  await history.claim({ ...held, until: '2199-01-01T00:00:00Z' })
  const busy = await serve(state, ['--once', '--policy', policy, '--name', 'once']).ended
  expect(busy.stderr).toContain('none is begun: the audit of 2026-11-26T00:00:00Z is still under way')
  expect(busy.code).toBe(0)
  expect(await kept(state)).toEqual([])
  await history.hold({ ...held, until: '2026-11-26T00:01:00Z' })

  const { code, stderr } = await serve(state, ['--once', '--policy', policy, '--name', 'once']).ended
  expect(code).toBe(4)
  expect(stderr).toMatch(/the audit of \S+ is on record/)
  expect(await kept(state)).toHaveLength(1)
  const samples = await samplesIn(history, { since: '2026-01-01T00:00:00Z' })
  expect(samples).toMatchObject([{ host: 'healthy-1', entries: expect.any(Number), max: expect.any(Number) }])

  const untold = await serve(state, ['--once', '--policy', policy, '--notify-command', 'shell:exit 3']).ended
  expect(untold.stderr).toContain('could not tell the notify command: ended with 3; the next audit tells it')
  expect(untold.code).toBe(1)
})

test('an inventory that is broken meanwhile fails the audit, is tried again, and counts again once it is mended', async () => {
  const state = await newState('broken')
  const inventory = join(state, 'inventory.yaml')
  const good = await readFile(join(lab.dir, 'inventory.yaml'), 'utf8')
  await writeFile(inventory, good)
  const one = startCtfleet(
    ['serve', inventory, '--every', '10s', '--name', 'broken', '--lease', '3s', '--listen', '127.0.0.1:0'],
    { CTFLEET_STATE: state },
  )
  await one.until(/is on record/)
  await writeFile(inventory, 'all: [')
  await one.until(/the audit of \S+ failed: .*inventory\.yaml/)
  const [, port = ''] = /127\.0\.0\.1:(\d+)\/metrics/.exec(one.said()) ?? []
  const failing = await ask(port, '/healthz')
  expect(failing.status).toBe(503)
  expect(JSON.parse(failing.text)).toMatchObject({ status: 'failing', why: expect.stringContaining('inventory.yaml') })
  await writeFile(inventory, good)
  await expect.poll(async () => (await ask(port, '/healthz')).status, WAIT).toBe(200)
  one.kill('SIGTERM')
  expect((await one.ended).code).toBe(0)
})

test('what would fail at night is said at once', async () => {
  const state = await newState('wrong')
  const cases: readonly (readonly [words: readonly string[], said: string])[] = [
    [['--every', '6'], '--every: "6" has no unit'],
    [[], '--every: nothing says when'],
    [['--once', '--every', '1h'], '--once: means now, and --every says when'],
    [['--once', '--cron', '0 0 * * *'], '--once: means now, and --cron says when'],
    [['--cron', 'bogus'], '--cron: "bogus" in'],
    [['--every', '6h', '--cron', '0 0 * * *'], '--every: and --cron is given too'],
    [['--cron', '61 * * * *'], '--cron: "61 * * * *"'],
    [['--cron', '0 0 * * *', '--timezone', 'Europe/Atlantis'], 'Europe/Atlantis'],
    [['--every', '10m', '--jitter', '10m'], '--jitter: 10m is no less than the time between two audits'],
    [['--every', '6h', '--name', '../x'], '--name: "../x" is no name of a schedule'],
    [['--every', '6h', '--listen', 'here'], '--listen: "here" is no address and port'],
    [['--every', '6h', '--notify-command', 'no-such-program'], '"no-such-program" is no program that can be run'],
    [['--every', '6h', '--webhook', 'http://alerts.example.com/'], 'by http, everybody on the way'],
    [
      ['--every', '6h', '--webhook', 'https://alerts.example.com/'],
      'what is sent is signed, and nothing says with what',
    ],
    [['--every', '6h', '--policy', '/nowhere/policy.yaml'], '/nowhere/policy.yaml'],
    [['--every', '6h', '--ask-pass'], '--ask-pass: there is no terminal to ask in'],
  ]
  for (const [words, said] of cases) {
    const { code, stderr } = await serve(state, words).ended
    expect(stderr).toContain(said)
    expect(code, words.join(' ')).toBe(2)
    expect(stderr).not.toMatch(/^\s+at /m)
  }
})

const WAIT = { timeout: 60_000, interval: 200 }

type Running = ReturnType<typeof startCtfleet>

function serve(state: string, words: readonly string[]): Running {
  const listen = words.includes('--listen') || words.includes('--once') ? [] : ['--listen', 'none']
  return startCtfleet(['serve', join(lab.dir, 'inventory.yaml'), ...listen, ...words], { CTFLEET_STATE: state })
}

async function newState(name: string): Promise<string> {
  const state = join(dir, name)
  await mkdir(state)
  return state
}

async function kept(state: string): Promise<readonly AuditSummary[]> {
  const { audits, damaged } = await historyDatabase(state, () => undefined).audits({})
  expect(damaged).toEqual([])
  return audits
}

type Asked = { readonly method?: string; readonly headers?: Record<string, string> }

async function ask(port: string, path: string, { method = 'GET', headers = {} }: Asked = {}) {
  return await new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text }),
      )
    })
    asking.on('error', reject)
    asking.end()
  })
}
