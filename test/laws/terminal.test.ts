import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import type { Outcome } from '../../src/model/outcome.ts'
import { approvedScript, sh } from '../../src/shell/script.ts'
import { keyring } from '../../src/transport/keyring.ts'
import type { RunHow, Session } from '../../src/transport/transport.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { inventoryHost, opened } from '../support/lab-host.ts'

/**
 * What holds for every session holds where root is had on a terminal, too: nothing is echoed, translated or lost, and
 * stdout and stderr stay apart. What a terminal cannot do: say a code over 128 apart from a signal, carry NUL in stderr.
 */

const able = canRunLab()

describe.skipIf(!able.ok)('as root by su, on a terminal', () => {
  let lab: Lab
  let asked: Host
  let session: Session
  beforeAll(async () => {
    lab = await startLab({ hosts: ['askpass-1'] })
    // The same password as ops has.
    const { code, stderr } = await lab
      .host('askpass-1')
      .exec(`hash=$(grep ^ops: /etc/shadow | cut -d: -f2); sed -i "s|^root:[^:]*:|root:$hash:|" /etc/shadow`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    keyring.holdFor('askpass-1', { become: 'lab' })
    asked = { ...inventoryHost(lab.dir, lab.host('askpass-1')), become: 'su' }
    session = await opened(asked)
  })
  afterAll(async () => {
    keyring.empty()
    await session?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  const run = async (script: Parameters<Session['run']>[0], how: Partial<RunHow> = {}): Promise<Outcome> => {
    const result = await session.run(script, { timeoutMs: 20_000, as: 'root', ...how })
    if ('refused' in result) throw new Error(`refused: ${JSON.stringify(result.refused)}`)
    return result
  }

  test('a script ends with its own code, its stdout and its stderr, to the byte', async () => {
    for (const code of [0, 1, 2, 126, 127, 255]) {
      const text = approvedScript(`printf ' out\\n\\r\\t\\n'; printf 'err\\tno newline' >&2; exit ${code}`)
      const [stdout, stderr] = [' out\n\r\t\n', 'err\tno newline']
      expect(await run(text)).toEqual({ type: 'exited', code, stdout, stderr, truncated: false })
    }
  })

  test('it runs as root with our PATH, in the C locale, in /, with nothing on stdin, and sees where one came from', async () => {
    const outcome = await run(
      sh`echo "$(id -u)|$PATH|$LC_ALL|$(pwd)|$#|$(umask)|$ssh_connection"; cat; read line || echo end`,
    )
    expect(outcome).toMatchObject({
      stdout: expect.stringMatching(
        /^0\|\/usr\/sbin:\/usr\/bin:\/sbin:\/bin:\/usr\/local\/sbin:\/usr\/local\/bin\|C\|\/\|0\|0022\|[0-9. ]+ 22\nend\n$/,
      ),
      stderr: '',
    })
  })

  test('a script of 500 KB and arguments of every kind arrive as they were given', async () => {
    const values = ["a'b", '\u0003\u0004\u0011\u0013\u001a\u001c\u007f', '\r\n\r\n', '', '\\', 'é€😀', '\x1b[A', '~?']
    const lines = Array.from({ length: 20_000 }, (_, at) => `${at} é€😀 twenty bytes more`)
    const outcome = await run(sh`printf '%s\n' ${lines}; printf '%s|' "$@" >&2`, { arguments: values })
    expect(outcome).toMatchObject({ code: 0, truncated: false, stderr: values.map((value) => `${value}|`).join('') })
    expect((outcome as { stdout: string }).stdout === `${lines.join('\n')}\n`).toBe(true)
  })

  test('words on both streams at once do not mix, and every byte goes through', async () => {
    const bytes = sh`i=0; while [ $i -lt 256 ]; do printf "\\$(printf %03o $i)"; i=$((i + 1)); done | cksum`
    const all = await run(sh`i=0; while [ $i -lt 256 ]; do printf "\\$(printf %03o $i)"; i=$((i + 1)); done`)
    expect(await run(bytes)).toMatchObject({ stdout: '1313719201 256\n' })
    expect((all as { stdout: string }).stdout.slice(0, 128)).toBe(
      String.fromCharCode(...Array.from({ length: 128 }, (_, at) => at)),
    )
    const both = await run(
      sh`x() { i=0; while [ $i -lt 500 ]; do echo "$1$i"; i=$((i + 1)); done; }; x o & x e >&2; wait`,
    )
    const expected = (letter: string) => Array.from({ length: 500 }, (_, at) => `${letter}${at}\n`).join('')
    expect(both).toMatchObject({ stdout: expected('o'), stderr: expected('e') })
  })

  test('a host that floods both streams is heard to the end, and its first part kept', async () => {
    const outcome = await run(
      sh`x() { dd if=/dev/zero bs=65536 count=200 2>/dev/null | tr '\0' "$1"; }; x e >&2 & x o; wait; exit 5`,
    )
    expect(outcome).toMatchObject({ type: 'exited', code: 5, truncated: true })
    const { stdout, stderr } = outcome as { stdout: string; stderr: string }
    expect([stdout.length, stderr.length]).toEqual([8 * 1024 * 1024, 64 * 1024])
    expect(/^o*$/.test(stdout) && /^e*$/.test(stderr)).toBe(true)
  })

  test('lines are handed over whole, as they come, and the last one without its newline too', async () => {
    const seen: { line: string; at: number }[] = []
    const onLine = (line: string) => void seen.push({ line, at: performance.now() })
    await run(sh`echo first; sleep 0.4; printf 'se'; sleep 0.1; printf 'cond\n\nla'; printf 'st'`, { onLine })
    expect(seen.map(({ line }) => line)).toEqual(['first', 'second', '', 'last'])
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThan(300)
  })

  test('a script that is killed says by what, and one that closes its streams is still waited for', async () => {
    const killed = { type: 'killed', signal: 'SIGKILL', stdout: 'before\n', stderr: '' }
    expect(await run(sh`echo before; kill -9 $$`)).toEqual(killed)
    expect(await run(sh`exec >&- 2>&-; sleep 0.3; exit 9`)).toMatchObject({ type: 'exited', code: 9 })
  })

  test('a script that takes too long is let go in time, and scripts side by side do not mix', async () => {
    const started = performance.now()
    expect(await run(sh`sleep 30`, { timeoutMs: 1500 })).toEqual({ type: 'timed-out', afterMs: 1500 })
    expect(performance.now() - started).toBeLessThan(4000)
    const numbers = Array.from({ length: 4 }, (_, at) => at)
    const outcomes = await Promise.all(numbers.map((at) => run(sh`sleep 0.1; echo ${at}; exit ${at}`)))
    expect(outcomes).toMatchObject(numbers.map((code) => ({ code, stdout: `${code}\n` })))
  })

  test('all of it goes over the system’s ssh, too', async (ctx) => {
    if (!existsSync('/usr/bin/ssh')) ctx.skip('ssh is not installed')
    await using other = await opened({ ...asked, transport: 'openssh' })
    const lines = Array.from({ length: 20_000 }, (_, at) => `${at} é€😀 twenty bytes more`)
    const script = sh`printf '%s\n' ${lines}; printf 'err\t\r\n%s' "$1" >&2; exit 255`
    const outcome = await other.run(script, { timeoutMs: 20_000, as: 'root', arguments: ['\u0003\u0004\u007f~.'] })
    const stdout = `${lines.join('\n')}\n`
    const stderr = 'err\t\r\n\u0003\u0004\u007f~.'
    expect(outcome).toEqual({ type: 'exited', code: 255, stdout, stderr, truncated: false })
  })

  test('a link that goes away leaves the script lost, and what it began on its own goes on', async () => {
    const host = lab.host('askpass-1')
    const running = run(sh`setsid sh -c 'sleep 2; echo on > /root/went-on' </dev/null >/dev/null 2>&1 & echo; sleep 30`)
    await sleep(700)
    await session[Symbol.asyncDispose]()
    expect(await running).toMatchObject({ type: 'lost' })
    await expect.poll(async () => (await host.exec('cat /root/went-on')).stdout, { timeout: 8000 }).toBe('on\n')
  })
})
