import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, test } from 'vitest'
import { must, run } from '../lab/command.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { startCtfleet } from '../support/ctfleet.ts'

/** The watch goes on while nobody looks, and so does its disk: for a while it takes nothing more, and then it does again. */

const able = canRunLab()
const WAIT = { timeout: 90_000, interval: 200 }

let lab: Lab
let dir: string
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-serve-disk-'))
  lab = await startLab({ hosts: ['healthy-1'] })
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

/** A disk of its own, which nobody but the program sees: root writes wherever it may not, and not where it cannot. */
const ON_A_DISK = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c']
const MOUNTED = 'mount -t tmpfs -o size=2m,mode=700 tmpfs "$CTFLEET_STATE" && exec "$@"'

const TROUBLES = [
  {
    name: 'becomes read-only',
    // While something is being written there it cannot.
    spoil: 'mount -o remount,ro "$0"',
    mend: 'mount -o remount,rw "$0"',
    why: 'attempt to write a readonly database',
  },
  {
    name: 'is full',
    spoil: 'head -c 4m /dev/zero > "$0/fill"; test -s "$0/fill"',
    mend: 'rm "$0/fill"',
    why: 'database or disk is full',
  },
] as const

// At once: most of it is waiting.
test.concurrent.for(TROUBLES)(
  'the disk of the record $name: log and health say so, and once it is mended audits are kept again',
  async ({ name, spoil, mend, why }, { expect, onTestFinished }) => {
    const state = join(dir, name)
    await mkdir(state)
    const words = ['--every', '10s', '--lease', '3s', '--listen', '127.0.0.1:0']
    const watch = ['serve', join(lab.dir, 'inventory.yaml'), ...words]
    const one = startCtfleet(watch, { CTFLEET_STATE: state }, [...ON_A_DISK, MOUNTED, 'sh'])
    onTestFinished(() => one.kill())
    const there = (command: string) => ['nsenter', `--target=${one.pid}`, '--mount', 'sh', '-c', command, state]
    const kept = () => one.said().match(/is on record/g)?.length ?? 0
    await one.until(/is on record/)
    const [, port = ''] = /127\.0\.0\.1:(\d+)\/metrics/.exec(one.said()) ?? []
    const page = async (path: string) => await fetch(`http://127.0.0.1:${port}${path}`)
    const health = async () => {
      const answer = await page('/healthz')
      return { code: answer.status, ...((await answer.json()) as object) }
    }
    expect(await health()).toMatchObject({ code: 200, status: 'ok' })

    await expect.poll(async () => (await run(there(spoil))).code, WAIT).toBe(0)
    await expect.poll(health, WAIT).toMatchObject({ code: 503, status: 'failing', why: expect.stringContaining(why) })
    expect(one.said()).toMatch(new RegExp(`the record does not answer: ${state}/ctfleet\\.db: ${why}\n`))
    // It is read as before.
    expect((await page('/metrics')).status).toBe(200)
    const before = kept()

    await must(there(mend))
    await expect.poll(kept, WAIT).toBeGreaterThan(before + 1)
    expect(await health()).toMatchObject({ code: 200, status: 'ok' })
    one.kill('SIGTERM')
    const { code, stderr } = await one.ended
    expect(code, stderr).toBe(0)
    // Nothing of it was taken for damage.
    expect(stderr).not.toContain('set aside')
  },
)
