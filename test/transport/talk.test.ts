import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import { sh } from '../../src/shell/script.ts'
import { runScript } from '../../src/transport/become.ts'
import { keyring } from '../../src/transport/keyring.ts'
import type { Launch, Running } from '../../src/transport/running.ts'
import { LOCALHOST } from './hosts.ts'

/** What is said to a host that a script plays: a password goes to a prompt for it, and to nothing else. */

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  keyring.empty()
})

test('where no password is known the payload is sent at once', () => {
  const { said } = play('sudo', { password: undefined })
  expect(said()).toEqual(['payload', 'end'])
})

test('sudo’s prompt is answered once, after whatever lecture, and in whichever order the streams come', async () => {
  const { hear, said } = play('sudo')
  hear.stderr('# sudo\nWe trust you have received the usual lecture.\n\nPassword: # prom')
  hear.stderr('pt:')
  await settled()
  expect(said()).toEqual([])
  hear.stdout('motd\n# shell\n# sudo\n')
  await settled()
  expect(said()).toEqual(['secret\n'])
  hear.stdout('# shell\n# send\n')
  expect(said()).toEqual(['secret\n', 'payload', 'end'])
})

test('a prompt that a shell only shows, as it shows all that it runs, is answered by nobody', async () => {
  const { hear, said } = play('sudo')
  hear.stdout('# shell\n# sudo\n')
  hear.stderr("# sudo\n+ exec sudo -S -p '# prompt:' -u root -- /bin/sh\n")
  await settled()
  expect(said()).toEqual([])
  hear.stdout('# shell\n# send\n')
  expect(said()).toEqual(['payload', 'end'])
})

test('what sudo says of the password is not repeated', async () => {
  const { hear, result } = play('sudo')
  hear.stdout('# shell\n# sudo\n')
  hear.stderr('# sudo\n# prompt:')
  await settled()
  hear.stderr('policy plugin: bad input secret\n')
  hear.end(1)
  expect(JSON.stringify(await result)).toContain('bad input …')
})

test('a sudo that takes the password and says no more is given up, and keeps no turn from others', async () => {
  const { hear, result } = play('sudo')
  hear.stdout('# shell\n# sudo\n')
  hear.stderr('# sudo\n# prompt:')
  await vi.advanceTimersByTimeAsync(25_000)
  expect(await result).toMatchObject({
    refused: { message: expect.stringContaining('does not say whether it takes it') },
  })
})

test('sudo that asks again was told a wrong password', async () => {
  const { hear, said, result } = play('sudo')
  hear.stdout('# shell\n# sudo\n')
  hear.stderr('# sudo\n# prompt:')
  await settled()
  hear.stderr('Sorry, try again.\n# prompt:')
  expect(await result).toMatchObject({ refused: { message: expect.stringContaining('was not accepted by sudo') } })
  expect(said()).toEqual(['secret\n', 'let go'])
})

test('a prompt of sudo that is not marked is never answered, and said to be one in time', async () => {
  const { hear, said, result } = play('sudo')
  hear.stdout('# shell\n# sudo\n')
  hear.stderr('# sudo\nVerification code: ')
  await vi.advanceTimersByTimeAsync(11_000)
  expect(await result).toMatchObject({
    refused: {
      code: 'no-privilege',
      message: 'sudo asks something that is not answered: it said "Verification code:"',
      next: expect.stringContaining('passprompt_override'),
    },
  })
  expect(said()).toEqual(['let go'])
})

test('su’s prompt is answered when silence follows it, however it was cut', async () => {
  const { hear, said } = play('su')
  hear.stdout('# shell\n# su\n')
  hear.stdout('Pass')
  hear.stdout('word:')
  await vi.advanceTimersByTimeAsync(100)
  expect(said()).toEqual([])
  hear.stdout(' ')
  await vi.advanceTimersByTimeAsync(200)
  expect(said()).toEqual(['secret\n'])
  hear.stdout('\n# shell\n# shell\n# send\n')
  // On a terminal nothing ends: the bytes are counted.
  expect(said()).toEqual(['secret\n', 'payload'])
})

test('nothing that looks like a prompt is one before su was called, in the middle of words, or once a shell has spoken', async () => {
  const { hear, said } = play('su')
  hear.stdout('Password: ')
  await vi.advanceTimersByTimeAsync(500)
  hear.stdout('\n# shell\n# su\nPassword:')
  hear.stdout(' will expire in 3 days.\n')
  await vi.advanceTimersByTimeAsync(500)
  hear.stdout('# shell\nPassword: ')
  await vi.advanceTimersByTimeAsync(500)
  expect(said()).toEqual([])
})

test('su that asks for something else than a password is not answered', async () => {
  const { hear, said, result } = play('su')
  hear.stdout('# shell\n# su\nOne-time code: ')
  await vi.advanceTimersByTimeAsync(11_000)
  expect(await result).toMatchObject({ refused: { message: expect.stringContaining('One-time code:') } })
  expect(said()).toEqual(['let go'])
})

const noise = fc
  .array(fc.constantFrom('Password: ', '[sudo] password for ops: ', 'prompt:', ' ', '\n', 'word', ':', 'é'), {
    maxLength: 5,
  })
  .map((words) => words.join(''))

test.each(['sudo', 'su'] as const)(
  'whatever is said around it, %s that does not ask is told no password',
  async (become) => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(noise, noise, noise),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        async (said, sizes) => {
          const played = play(become)
          const words = `${said[0]}\n# shell\n# ${become}\n${said[1]}\n# shell\n${said[2]}`
          const hear = become === 'su' ? played.hear.stdout : both(played.hear)
          for (let from = 0; from < words.length; ) {
            const size = sizes.next().value
            hear(words.slice(from, from + size))
            from += size
            // Nothing stands still on the way up, and may then.
            await vi.advanceTimersByTimeAsync(100)
          }
          await vi.advanceTimersByTimeAsync(20_000)
          played.hear.stdout('\n# send\n')
          expect(played.said()).toEqual(become === 'su' ? ['payload'] : ['payload', 'end'])
        },
      ),
      { numRuns: 100 },
    )
  },
)

test('a password that the first hosts refuse is not told to the others, and is told to all once one has taken it', async () => {
  const refusedBy = async (password: string, taken: number) => {
    const told = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const { hear, said, result } = play('sudo', { password, host: { address: `${password}-${at}` } })
        hear.stdout('# shell\n# sudo\n')
        hear.stderr('# sudo\n# prompt:')
        await vi.waitFor(async () => {
          await vi.advanceTimersByTimeAsync(10)
          if (said().length === 0) throw new Error('not yet')
        })
        if (said()[0] === `${password}\n`) {
          if (at === taken) hear.stdout('# shell\n# send\n# ready\n')
          else hear.stderr('# prompt:')
          hear.end(0)
        }
        const ended = await result
        if ('refused' in ended && said()[0] !== `${password}\n`) {
          expect(ended.refused.message).toMatch(/not told: .*refused by 3 hosts and taken by none/)
        }
        return said().includes(`${password}\n`)
      }),
    )
    return told.filter((each) => each).length
  }
  expect(await refusedBy('bad', -1)).toBe(3)
  expect(await refusedBy('good', 1)).toBe(20)
})

test('where sudo did not ask, the next script goes along at once, and waits again where it asks after all', async () => {
  const address = 'nopasswd'
  const first = play('sudo', { host: { address } })
  first.hear.stdout('# shell\n# sudo\n# shell\n# send\n# ready\n')
  first.hear.end(0)
  expect(await first.result).toMatchObject({ type: 'exited', code: 0 })
  const second = play('sudo', { host: { address } })
  expect(second.said()).toEqual(['payload', 'end'])
  second.hear.stdout('# shell\n# sudo\n')
  second.hear.stderr('# sudo\nsudo: a password is required\n')
  second.hear.end(1)
  await settled()
  second.hear.stdout('# shell\n# sudo\n')
  second.hear.stderr('# sudo\n# prompt:')
  await settled()
  second.hear.stdout('# shell\n# send\n# ready\n')
  second.hear.end(0)
  expect(await second.result).toMatchObject({ type: 'exited', code: 0 })
  expect(second.said()).toEqual(['payload', 'end', 'secret\n', 'payload', 'end'])
  expect(play('sudo', { host: { address } }).said()).toEqual([])
})

test('a password with a control character is never typed at a terminal', async () => {
  const { said, result } = play('su', { password: 'a\u0003b' })
  expect(await result).toMatchObject({ refused: { message: expect.stringContaining('control character') } })
  expect(said()).toEqual([])
})

/** The same words on both streams. */
function both({ stdout, stderr }: { stdout: (text: string) => void; stderr: (text: string) => void }) {
  return (text: string) => {
    stderr(text)
    stdout(text)
  }
}

async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

type Part = { readonly password?: string | undefined; readonly host?: Partial<Host> }

/** Plays a host; `#` in its words stands for the nonce. */
function play(become: 'sudo' | 'su', { host, ...given }: Part = {}) {
  const password = 'password' in given ? given.password : 'secret'
  const said: string[] = []
  let running: Running | undefined
  let nonce = ''
  const launch: Launch = (errand, begun) => {
    running = begun
    nonce = errand.nonce
    begun.opened({
      send: (bytes) => void said.push(bytes.equals(errand.payload) ? 'payload' : bytes.toString()),
      end: () => void said.push('end'),
    })
    return () => void said.push('let go')
  }
  keyring.empty()
  if (password !== undefined) keyring.holdFor('here', { become: password })
  const asked: Host = {
    ...LOCALHOST,
    transport: 'ssh',
    user: 'ops',
    become,
    address: `${expect.getState().currentTestName}`,
    ...host,
  }
  const how = { timeoutMs: 60_000, as: 'root' } as const
  const signal = new AbortController().signal
  const result = runScript(sh`true`, how, { host: asked, signal, launch, hasTerminals: true })
  const words = (text: string) => Buffer.from(text.replaceAll('#', nonce))
  return {
    result,
    said: () => said,
    hear: {
      stdout: (text: string) => running?.stdout(words(text)),
      stderr: (text: string) => running?.stderr(words(text)),
      end: (code: number) => running?.ended({ type: 'exited', code }),
    },
  }
}
