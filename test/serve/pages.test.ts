import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { timesOf } from '../../src/serve/cron.ts'
import { listenAt } from '../../src/serve/pages.ts'
import { remembered } from '../../src/serve/remembered.ts'
import { type ServiceNews, serve } from '../../src/serve/serve.ts'
import { type Database, loadEngine } from '../../src/store/engine.ts'
import { historyDatabase } from '../../src/store/history-database.ts'

/** Pages that answer, or say soon that they cannot, whatever holds the record or the door. */

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-pages-'))
})
afterEach(() => rmSync(state, { recursive: true }))

test('while another program holds the record, pages say so, and answer again once it lets go', {
  timeout: 30_000,
}, async () => {
  const times = timesOf({ cron: '0 0 1 1 *', timezone: 'UTC' })
  if ('problem' in times) throw new Error(times.problem)
  const store = historyDatabase(state, () => undefined, { standstill: 10 })
  const now = new Date().toISOString()
  await store.claim({ due: { schedule: 'other', at: now }, by: 'x', now, until: now })
  const stop = new AbortController()
  let began = (_: number) => {}
  const port = new Promise<number>((resolve) => {
    began = resolve
  })
  const serving = serve(
    {
      ...{ schedule: 'web', by: 'a test', state, lease: 60_000, notify: null, listen: { host: '127.0.0.1', port: 0 } },
      rules: { times, catchUp: false, delayOf: () => 0 },
      store,
      pagesStore: historyDatabase(state, () => undefined, { standstill: 0, patience: 500 }),
      audit: () => Promise.reject(new Error('none is due')),
      tell: (news: ServiceNews) => {
        if (news.type === 'listening') began(news.at.port)
      },
    },
    stop.signal,
  )
  const at = await port
  const other = new (await loadEngine())(join(state, 'ctfleet.db'), { timeout: 1000 })
  try {
    other.exec('begin exclusive')
    const answers = await Promise.all(['/healthz', '/metrics', '/healthz', '/metrics'].map((path) => ask(at, path)))
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503])
    expect(JSON.parse(answers[0]?.text ?? '')).toEqual({ status: 'failing', why: 'the record does not answer' })
    expect(answers[1]?.text).toBe('the record does not answer\n')
    other.exec('rollback')
    await expect.poll(async () => (await ask(at, '/healthz')).status, { timeout: 5000 }).toBe(200)
  } finally {
    close(other)
    stop.abort()
    await serving
  }
})

test('all who ask at once share one reading, and who asks soon after gets the same', async () => {
  let readings = 0
  const one = remembered(async () => ++readings, { fresh: 60_000, patience: 60_000 })
  expect(await Promise.all([one.get(), one.get(), one.get()])).toEqual([1, 1, 1])
  expect(await one.get()).toBe(1)
  one.forget()
  expect(await one.get()).toBe(2)
})

test('a reading that takes too long is waited for no longer, is not begun twice, and counts for whoever asks later', async () => {
  let readings = 0
  let end = (_: string) => {}
  const one = remembered(
    async () => {
      readings++
      return await new Promise<string>((resolve) => {
        end = resolve
      })
    },
    { fresh: 60_000, patience: 20 },
  )
  await expect(one.get()).rejects.toThrow('no answer within 20 ms')
  await expect(one.get()).rejects.toThrow()
  expect(readings).toBe(1)
  end('here')
  await expect.poll(async () => await one.get()).toBe('here')
})

test('one that failed is not remembered', async () => {
  let readings = 0
  const one = remembered(async () => (++readings === 1 ? Promise.reject(new Error('locked')) : readings))
  await expect(one.get()).rejects.toThrow('locked')
  expect(await one.get()).toBe(2)
})

test('clients that never end their headers keep nobody out', async () => {
  const pages = { metrics: async () => 'x 1\n', health: async () => ({ status: 'ok', why: 'well' }) as const }
  const listening = await listenAt({ host: '127.0.0.1', port: 0 }, pages)
  if ('problem' in listening) throw new Error(listening.problem)
  const { port } = listening.at
  const slow: Socket[] = []
  try {
    for (let each = 0; each < 100; each++) slow.push(await slowClient(port))
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200 })
    // No more of them than there is room for are inside.
    await expect.poll(() => slow.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(32)
  } finally {
    for (const socket of slow) socket.destroy()
    await listening.close()
  }
})

async function slowClient(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n')
  socket.resume()
  return socket
}

async function ask(port: number, path: string): Promise<{ readonly status: number; readonly text: string }> {
  return await new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

function close(database: Database): void {
  try {
    database.close()
  } catch {
    // It is closed already.
  }
}
