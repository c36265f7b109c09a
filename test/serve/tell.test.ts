import { createHmac } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { notifyByCommand } from '../../src/serve/notify-command.ts'
import { mayGoTo, notifyByWebhook, signed } from '../../src/serve/webhook.ts'
import { isAlive } from '../support/alive.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-tell-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('a command', () => {
  test('gets the text as it is on stdin', async () => {
    const file = join(dir, 'got')
    const text = JSON.stringify({ title: 'a; rm -rf /; $(id) %s "' })
    expect(await notifyByCommand([script(`cat > '${file}'`)], text)).toBeNull()
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('may read nothing of a text that is larger than a pipe', async () => {
    expect(await notifyByCommand([script('exit 0')], 'x'.repeat(1_000_000))).toBeNull()
  })

  test('that says no end of things is heard out, and only its last words are kept', async () => {
    const said = await notifyByCommand([script('yes aaaaaaaa | head -c 3000000; echo; echo full disk >&2; exit 3')], '')
    expect(said).toMatch(/^ended with 3, and said: .*full disk$|^ended with 3, and said: a+$/)
    expect(said?.length).toBeLessThan(400)
  })

  test('that hangs is ended with all that it began, within its time', async () => {
    const pid = join(dir, 'pid')
    const said = await notifyByCommand([script(`sleep 60 & echo $! > '${pid}'; sleep 60`)], '', 300)
    expect(said).toBe('took longer than 0.3 s, and was ended')
    await expect.poll(() => isAlive(Number(readFileSync(pid, 'utf8')))).toBe(false)
  })

  test('that ended well has taken it, also where it left something running that holds its output', async () => {
    const pid = join(dir, 'pid')
    expect(await notifyByCommand([script(`sleep 60 & echo $! > '${pid}'; exit 0`)], '', 5000)).toBeNull()
    const left = Number(readFileSync(pid, 'utf8'))
    // It is left alone, too.
    expect(() => process.kill(left, 0)).not.toThrow()
    process.kill(left)
    expect(await notifyByCommand([script(`sleep 60 & echo $! > '${pid}'; echo no; exit 3`)], '', 5000)).toBe(
      'ended with 3, and said: no',
    )
    process.kill(Number(readFileSync(pid, 'utf8')))
  })

  test('that is not there is told so', async () => {
    expect(await notifyByCommand(['/nowhere/tell'], '')).toContain('could not be run: ')
  })
})

describe('a webhook', () => {
  const message = { body: '{"a":1}', delivery: '20261126-1200-7f3a' }
  const never = new AbortController().signal
  const pace = (waits: readonly number[], patience = 10_000) => ({ waits, patience })

  test('has a signature that its receiver can work out, over the time too', () => {
    const headers = signed('{"a":1}', 'secret', 1_764_158_400_999)
    const digest = createHmac('sha256', 'secret').update('1764158400.{"a":1}').digest('hex')
    expect(headers).toEqual({ 'x-ctfleet-timestamp': '1764158400', 'x-ctfleet-signature': `sha256=${digest}` })
  })

  test.each([
    [503, 3, 'answered with 503, 3 times'],
    [429, 3, 'answered with 429, 3 times'],
    [404, 1, 'answered with 404'],
    [302, 1, 'answered with 302'],
    [204, 1, null],
  ])('that answers with %i is asked %i times', async (status, times, why) => {
    let asked = 0
    const listener: RequestListener = (_, response) => {
      asked++
      response.writeHead(status, { location: 'http://127.0.0.1:1/elsewhere' }).end('x'.repeat(10_000))
    }
    await withServer(listener, async (url) => {
      expect(await notifyByWebhook({ url, secret: 's' }, message, never, pace([0.01, 0.01]))).toBe(why)
    })
    expect(asked).toBe(times)
  })

  test('that takes it the second time has it once, under the same name', async () => {
    const names: unknown[] = []
    await withServer(
      (request, response) => {
        names.push(request.headers['x-ctfleet-delivery'])
        response.writeHead(names.length === 1 ? 500 : 200).end()
      },
      async (url) => {
        expect(await notifyByWebhook({ url, secret: 's' }, message, never, pace([0.01]))).toBeNull()
      },
    )
    expect(names).toEqual([message.delivery, message.delivery])
  })

  test.each<[string, RequestListener]>([
    ['says nothing', () => undefined],
    ['never ends its headers', ({ socket }) => void dripHeaders(socket)],
  ])('that %s is left after its time, whatever memory was swept meanwhile', async (_, listener) => {
    setFlagsFromString('--expose_gc')
    const sweep = runInNewContext('gc')
    const sweeping = setInterval(sweep, 20)
    try {
      await withServer(listener, async (url) => {
        const why = await notifyByWebhook({ url, secret: 's' }, message, never, pace([0.01], 300))
        expect(why).toBe('did not answer within 0.3 s, 2 times')
      })
    } finally {
      clearInterval(sweeping)
      setFlagsFromString('--no-expose_gc')
    }
  })

  test('that nobody listens at is told with its cause, and a stop ends the waiting', async () => {
    const url = await withServer(
      () => undefined,
      async (at) => at,
    )
    expect(await notifyByWebhook({ url, secret: 's' }, message, never, pace([]))).toMatch(/^could not be reached/)
    const stop = new AbortController()
    const telling = notifyByWebhook({ url, secret: 's' }, message, stop.signal, pace([3600]))
    setTimeout(() => stop.abort(), 50)
    expect(await telling).toMatch(/^could not be reached.*, and was given up, since ctfleet stops$/)
  })

  test('that hangs at a stop was given up, and nothing is wrong with it', async () => {
    const stop = new AbortController()
    await withServer(
      () => stop.abort(),
      async (url) => {
        const why = await notifyByWebhook({ url, secret: 's' }, message, stop.signal, pace([0.01]))
        expect(why).toBe('was given up, since ctfleet stops')
      },
    )
  })

  test.each([
    ['https://example.com/x', true],
    ['http://127.0.0.1:8080/x', true],
    ['http://[::1]/x', true],
    ['http://localhost/x', true],
    ['http://example.com/x', false],
    ['http://127.0.0.1.example.com/x', false],
    ['http://localhost.example.com/', false],
    ['ftp://example.com/', false],
  ])('may be at %s: %s', (url, may) => {
    expect(mayGoTo(new URL(url), false)).toBe(may)
  })
})

function dripHeaders(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\n')
  const dripping = setInterval(() => socket.write('x-more: of them\r\n'), 20)
  socket.once('close', () => clearInterval(dripping))
}

function script(text: string): string {
  const path = join(dir, 'tell')
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

async function withServer<T>(listener: RequestListener, work: (url: URL) => Promise<T>): Promise<T> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await work(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`))
  } finally {
    server.closeAllConnections()
    server.close()
  }
}
