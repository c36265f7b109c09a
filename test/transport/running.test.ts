import { expect, test } from 'vitest'
import { sh } from '../../src/shell/script.ts'
import { runScript } from '../../src/transport/become.ts'
import type { Launch, Running } from '../../src/transport/running.ts'
import { LOCALHOST } from './hosts.ts'

test('what login files print before the script is not the script’s', async () => {
  const { running, nonce, result } = start()
  running.stdout(Buffer.from(`Welcome!\n${'x'.repeat(50_000)}${nonce} shell\nmotd again ${nonce} ready\nhello`))
  running.stderr(Buffer.from(`stty: not a tty\n${nonce} ready\n`))
  running.ended({ type: 'exited', code: 0 })
  expect(await result).toMatchObject({ stdout: 'hello', stderr: '' })
})

test('a login shell that runs no commands is told in its own words, cut short', async () => {
  const { running, result } = start()
  running.stdout(Buffer.from('This account is currently not available.\n'.repeat(100_000)))
  running.ended({ type: 'exited', code: 1 })
  const { refused } = (await result) as { refused: { message: string } }
  expect(refused).toMatchObject({ code: 'no-shell', next: expect.stringContaining('chsh') })
  expect(refused.message).toContain('This account is currently not available.')
  expect(refused.message.length).toBeLessThan(1000)
})

test('a shell that ends between hello and the script has run nothing', async () => {
  const { running, nonce, result } = start()
  running.stdout(Buffer.from(`${nonce} shell\n`))
  running.stderr(Buffer.from('sh: cat: not found\n'))
  running.ended({ type: 'exited', code: 127 })
  expect(await result).toMatchObject({
    refused: { code: 'no-shell', message: expect.stringContaining('sh: cat: not found') },
  })
})

test('a shell that echoes what it is told to run has said no word of ours', async () => {
  const { running, nonce, result } = start()
  running.stdout(Buffer.from(`exec /bin/sh -c ctfleet ${nonce} none 1234 5678\n${nonce} constructor\nsh> `))
  running.ended({ type: 'exited', code: 0 })
  expect(await result).toMatchObject({
    refused: { code: 'no-shell', message: expect.stringContaining('exec /bin/sh') },
  })
})

test('what did not arrive whole is a fault', async () => {
  const { running, nonce, result } = start()
  running.stdout(Buffer.from(`${nonce} shell\n${nonce} mismatch\n`))
  running.ended({ type: 'exited', code: 126 })
  expect(await result).toMatchObject({
    refused: { code: 'no-shell', message: expect.stringContaining('nothing') },
  })
})

test('a character that the cap cuts in two is left out', async () => {
  const { running, nonce, result } = start()
  running.stdout(Buffer.from(`${nonce} ready\n.${'é'.repeat(4 * 1024 * 1024)}`))
  running.ended({ type: 'exited', code: 0 })
  const { stdout, truncated } = (await result) as { stdout: string; truncated: boolean }
  expect([truncated, stdout.length, stdout.at(-1)]).toEqual([true, 4 * 1024 * 1024, 'é'])
})

test('only the first end counts', async () => {
  const { running, nonce, result } = start()
  running.stdout(Buffer.from(`${nonce} ready\n`))
  running.ended({ type: 'killed', signal: 'SIGTERM' })
  running.ended({ type: 'lost', why: 'later' })
  running.stdout(Buffer.from('late'))
  expect(await result).toEqual({ type: 'killed', signal: 'SIGTERM', stdout: '', stderr: '' })
})

function start() {
  const begun: { running?: Running; nonce?: string } = {}
  const launch: Launch = ({ nonce }, running) => {
    Object.assign(begun, { nonce, running })
    return () => {}
  }
  const signal = new AbortController().signal
  const how = { timeoutMs: 2 ** 40, as: 'login-user' } as const
  const result = runScript(sh`true`, how, { host: LOCALHOST, signal, launch, hasTerminals: false })
  return { ...(begun as Required<typeof begun>), result }
}
