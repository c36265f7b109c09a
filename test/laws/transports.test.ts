import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import type { Outcome } from '../../src/model/outcome.ts'
import { approvedScript, sh } from '../../src/shell/script.ts'
import { openSession, TRANSPORTS } from '../../src/transport/catalog.ts'
import { opensshProgram } from '../../src/transport/openssh-program.ts'
import type { RunHow, Session } from '../../src/transport/transport.ts'
import { LOCALHOST } from '../transport/hosts.ts'
import { type Sshd, startSshd, whyNoSshd } from '../transport/sshd.ts'

/** Every transport keeps every law here; one that cannot be had on this machine says why. */
const NO_SSHD = whyNoSshd()
/** Short of the ten seconds that anything here would wait by itself, and long enough for a machine with much to do. */
const IN_NO_TIME_MS = 6000

let sshd: Sshd | undefined
beforeAll(async () => {
  // Later key exchanges would take most of the time here.
  if (NO_SSHD === undefined) sshd = await startSshd(['KexAlgorithms curve25519-sha256'])
})
afterAll(async () => await sshd?.stop())

describe.each(TRANSPORTS.map(({ name }) => name))('over %s', (name) => {
  const host = (): Host => (name === 'local' ? LOCALHOST : { ...(sshd as Sshd).host, transport: name })
  const open = async (ctx: TestContext, signal = new AbortController().signal): Promise<Session> => {
    if (name !== 'local' && NO_SSHD !== undefined) ctx.skip(NO_SSHD)
    if (name === 'openssh') {
      const program = await opensshProgram()
      if ('cannot' in program) ctx.skip(program.cannot)
    }
    const session = await openSession(host(), signal)
    if ('refused' in session) throw new Error(`refused: ${JSON.stringify(session.refused)}`)
    return session
  }

  test('a script ends with its own code, its stdout and its stderr, to the byte', async (ctx) => {
    await using session = await open(ctx)
    for (const code of [0, 1, 2, 126, 127, 255]) {
      const text = approvedScript(`printf ' out\\n\\n'; printf 'err\\tno newline' >&2; exit ${code}`)
      expect(await run(session, text)).toEqual({
        type: 'exited',
        code,
        stdout: ' out\n\n',
        stderr: 'err\tno newline',
        truncated: false,
      })
    }
  })

  test('it runs with our PATH, in the C locale, in /, with nothing on stdin', async (ctx) => {
    await using session = await open(ctx)
    const outcome = await run(session, sh`echo "$PATH|$LC_ALL|$(pwd)|$#|$(umask)"; cat; read line || echo end`)
    expect(outcome).toMatchObject({
      stdout: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin|C|/|0|0022\nend\n',
      stderr: '',
    })
  })

  test('ssh_connection tells where the login came from, and is empty without one', async (ctx) => {
    await using session = await open(ctx)
    const outcome = await run(session, sh`echo "<$ssh_connection>"`)
    const expected = name !== 'local' ? `<127.0.0.1 \\d+ 127.0.0.1 ${sshd?.port}>\n` : '<>\n'
    expect(outcome).toMatchObject({ stdout: expect.stringMatching(new RegExp(`^${expected}$`)) })
  })

  test('arguments arrive as they were given, whatever they are', async (ctx) => {
    await using session = await open(ctx)
    const script = sh`for each; do printf '%s|' "$each"; done`
    const given = async (values: readonly string[]) => {
      const outcome = await run(session, script, { arguments: values })
      expect(outcome).toMatchObject({ code: 0, stdout: values.map((value) => `${value}|`).join(''), stderr: '' })
    }
    await given([
      "a'b",
      '"',
      'x\ny\n',
      '$(id) `id` $HOME',
      '\\',
      '!! !x',
      '-n',
      '',
      '*',
      '~',
      '%s',
      '# no',
      'é€😀',
      '\r\t\x1b',
    ])
    const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((each) => !each.includes('\0'))
    await fc.assert(fc.asyncProperty(fc.array(text, { maxLength: 5 }), given), { numRuns: 10 })
  })

  test('a script of 500 KB runs whole, and characters of several bytes survive every cut', async (ctx) => {
    await using session = await open(ctx)
    const lines = Array.from({ length: 20_000 }, (_, at) => `${at} é€😀 twenty bytes more`)
    const outcome = await run(session, sh`printf '%s\n' ${lines}`)
    expect(outcome).toMatchObject({ code: 0, truncated: false, stderr: '' })
    expect((outcome as { stdout: string }).stdout === `${lines.join('\n')}\n`).toBe(true)
  })

  test('a host that floods both streams is heard to the end, and its first part kept', async (ctx) => {
    await using session = await open(ctx)
    const before = process.memoryUsage().rss
    const outcome = await run(
      session,
      sh`x() { dd if=/dev/zero bs=65536 count=400 2>/dev/null | tr '\0' "$1"; }; x e >&2 & x o; wait; exit 5`,
    )
    expect(outcome).toMatchObject({ type: 'exited', code: 5, truncated: true })
    const { stdout, stderr } = outcome as { stdout: string; stderr: string }
    expect([stdout.length, stderr.length]).toEqual([8 * 1024 * 1024, 64 * 1024])
    expect(/^o*$/.test(stdout) && /^e*$/.test(stderr)).toBe(true)
    expect(process.memoryUsage().rss - before).toBeLessThan(120e6)
  })

  test('lines are handed over whole, as they come, and the last one without its newline too', async (ctx) => {
    await using session = await open(ctx)
    const seen: { line: string; at: number }[] = []
    const onLine = (line: string) => void seen.push({ line, at: performance.now() })
    await run(session, sh`echo first; sleep 0.4; printf 'se'; sleep 0.1; printf 'cond\n\nla'; printf 'st'`, { onLine })
    expect(seen.map(({ line }) => line)).toEqual(['first', 'second', '', 'last'])
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThan(300)
  })

  test('a line of 10 MB is handed over cut', async (ctx) => {
    await using session = await open(ctx)
    const lengths: number[] = []
    const onLine = (line: string) => void lengths.push(line.length)
    await run(session, sh`dd if=/dev/zero bs=65536 count=160 2>/dev/null | tr '\0' x; echo; echo end`, { onLine })
    expect(lengths).toEqual([64 * 1024, 3])
  })

  test('an error in the callback is the caller’s, and the session stays good', async (ctx) => {
    await using session = await open(ctx)
    const onLine = () => {
      throw new Error('ours')
    }
    await expect(run(session, sh`echo line; sleep 5`, { onLine })).rejects.toThrow('ours')
    expect(await run(session, sh`echo on`)).toMatchObject({ stdout: 'on\n' })
  })

  test('a script that is killed says by what', async (ctx) => {
    await using session = await open(ctx)
    expect(await run(session, sh`echo before; kill -9 $$`)).toEqual({
      type: 'killed',
      signal: 'SIGKILL',
      stdout: 'before\n',
      stderr: '',
    })
  })

  test('a script that closes its streams is still waited for', async (ctx) => {
    await using session = await open(ctx)
    expect(await run(session, sh`exec >&- 2>&-; sleep 0.3; exit 9`)).toMatchObject({ type: 'exited', code: 9 })
  })

  test('a script that takes too long is let go in time, and the next one runs', async (ctx) => {
    await using session = await open(ctx)
    const started = performance.now()
    expect(await run(session, sh`sleep 30`, { timeoutMs: 700 })).toEqual({ type: 'timed-out', afterMs: 700 })
    expect(performance.now() - started).toBeLessThan(IN_NO_TIME_MS)
    expect(await run(session, sh`echo on`)).toMatchObject({ stdout: 'on\n' })
  })

  test('an abort ends running scripts at once, and what comes after', async (ctx) => {
    const stop = new AbortController()
    await using session = await open(ctx, stop.signal)
    const running = run(session, sh`sleep 30`)
    await sleep(300)
    const started = performance.now()
    stop.abort()
    expect(await running).toEqual({ type: 'lost', why: 'cancelled from here' })
    expect(performance.now() - started).toBeLessThan(IN_NO_TIME_MS)
    expect(await run(session, sh`echo on`)).toMatchObject({ type: 'lost' })
  })

  test('nothing is opened once it is cancelled', async (ctx) => {
    await using _ = await open(ctx)
    expect(await openSession(host(), AbortSignal.abort())).toMatchObject({ refused: { code: 'cancelled' } })
  })

  test('closing is quick and can be repeated, and a script still running counts as lost', async (ctx) => {
    const session = await open(ctx)
    const running = run(session, sh`sleep 30`)
    await sleep(200)
    const started = performance.now()
    await session[Symbol.asyncDispose]()
    await session[Symbol.asyncDispose]()
    expect(performance.now() - started).toBeLessThan(IN_NO_TIME_MS)
    expect(await running).toEqual({ type: 'lost', why: 'the session was closed' })
    expect(await run(session, sh`echo on`)).toMatchObject({ type: 'lost' })
  })

  test('scripts side by side in one session do not mix', async (ctx) => {
    await using session = await open(ctx)
    const numbers = Array.from({ length: 8 }, (_, at) => at)
    const outcomes = await Promise.all(numbers.map((at) => run(session, sh`sleep 0.1; echo ${at}; exit ${at}`)))
    expect(outcomes).toMatchObject(numbers.map((code) => ({ code, stdout: `${code}\n` })))
  })

  test('many sessions under one signal leave nothing at it', async (ctx) => {
    const warnings: string[] = []
    const onWarning = (warning: Error) => void warnings.push(warning.message)
    process.on('warning', onWarning)
    const stop = new AbortController()
    for (let at = 0; at < 15; at++) {
      await using session = await open(ctx, stop.signal)
      await Promise.all([run(session, sh`exit 0`), run(session, sh`exit 0`)])
    }
    await sleep(10)
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })
})

async function run(
  session: Session,
  script: Parameters<Session['run']>[0],
  how: Partial<RunHow> = {},
): Promise<Outcome> {
  const result = await session.run(script, { timeoutMs: 20_000, as: 'login-user', ...how })
  if ('refused' in result) throw new Error(`refused: ${JSON.stringify(result.refused)}`)
  return result
}
