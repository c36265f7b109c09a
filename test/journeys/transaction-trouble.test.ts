import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Change } from '../../src/model/change.ts'
import type { Host } from '../../src/model/host.ts'
import type { Plan } from '../../src/model/plan.ts'
import { applyHost } from '../../src/run/apply-host.ts'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { planOn, rewritten, type Wish } from '../support/hand-made-plan.ts'
import { inventoryHost } from '../support/lab-host.ts'
import { acceptPort, edit } from '../support/rules.ts'
import { terms } from '../support/terms.ts'
import { journalOf, launched, remains, untilSaid } from '../support/trouble.ts'

/** Whatever breaks in the middle of a change, the host is as it was, by itself. */
const able = canRunLab()
const TELLING = { signal: new AbortController().signal, onStage: () => undefined }
const WISHES: readonly Wish[] = [
  ['sysctl', { key: 'net.netfilter.nf_conntrack_udp_timeout', value: 17 }],
  ['firewall', { edits: [edit({ spec: acceptPort(8001, 'ctfleet:test:1'), before: '-i lo -j ACCEPT' })] }],
  ['file', { path: '/etc/sysctl.d/90-ctfleet.conf', content: 'x = 1\n' }],
]

let lab: Lab
beforeAll(async () => {
  if (able.ok) lab = await startLab({ hosts: ['web-1', 'busybox-1'] })
})
afterAll(async () => await lab?.down())

let there: LabHost
let host: Host
beforeEach((ctx) => {
  if (!able.ok) ctx.skip(able.why)
  use('web-1')
})

function use(name: string): void {
  there = lab.host(name)
  host = inventoryHost(lab.dir, there)
}

/** The plan with something done before its second change. */
async function planThat(first: string): Promise<Plan> {
  return rewritten(await planOn(host, WISHES), (change: Change, number) =>
    number === 2 ? { apply: `${first}\n${change.apply}` } : {},
  )
}

/** Processes of the host whose command line holds the text, ours excluded. */
async function running(text: string): Promise<string> {
  const { stdout } = await there.exec(
    `for each in /proc/[0-9]*; do tr '\\0' ' ' < "$each/cmdline" 2> /dev/null; echo; done`,
  )
  return stdout
    .split('\n')
    .filter((line) => line.includes(text) && !line.includes('for each'))
    .join('\n')
}

test('a link cut in the middle of a change: the host takes itself back, and the result tells of it', async () => {
  const before = await there.dump()
  const applying = applyHost(await planThat('sleep 2'), terms(3), TELLING)
  const transaction = await theTransaction()
  await untilSaid(there, transaction, 'intend')
  await there.cut()
  try {
    await untilSaid(there, transaction, 'rolled-back')
    expect(await journalOf(there, transaction)).toContain('expired')
    // Only the journal is left, for whoever asks.
    expect((await there.dump()).split('@@ ctfleet')[0]).toBe(before.split('@@ ctfleet')[0])
  } finally {
    await there.mend()
  }
  expect(await applying).toMatchObject({
    status: 'rolled-back',
    fault: { code: 'not-confirmed', message: expect.stringContaining('no confirmation came') },
  })
  expect(await there.dump()).toBe(before)
  expect(await remains(there)).toBe('')
}, 120_000)

test('a controller that dies before it confirms leaves a host that takes itself back', async () => {
  const before = await there.dump()
  const file = `${lab.dir}/plan.json`
  await writeFile(file, JSON.stringify(await planOn(host, WISHES)))
  const controller = spawn(
    process.execPath,
    ['--import', 'tsx', `${import.meta.dirname}/../support/apply-in-child.ts`, file, '3'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await new Promise<void>((resolve, reject) => {
    controller.stdout.on('data', (chunk: Buffer) => {
      if (!chunk.toString().includes('checking')) return
      controller.kill('SIGKILL')
      resolve()
    })
    controller.on('exit', (code) => reject(new Error(`the controller ended by itself (${code})`)))
  })
  const transaction = await theTransaction()
  await untilSaid(there, transaction, 'rolled-back')
  expect(await journalOf(there, transaction)).toContain('applied')
  await there.exec('rm -r /var/lib/ctfleet')
  expect(await there.dump()).toBe(before)
}, 120_000)

test.each(['web-1', 'busybox-1'])(
  'on %s, the script killed between two changes: the switch takes all back',
  async (name) => {
    use(name)
    const before = await there.dump()
    const applying = applyHost(await planThat('sleep 200'), terms(20), TELLING)
    const transaction = await theTransaction()
    await untilSaid(there, transaction, 'done')
    const main = (await there.exec(`cat /var/lib/ctfleet/${transaction}/main`)).stdout.split(' ')[0] ?? ''
    await there.exec(`kill -9 ${main}; kill -9 -- -${main}`)
    expect(await applying).toMatchObject({
      status: 'rolled-back',
      fault: { message: expect.stringContaining('ended in the middle') },
    })
    expect(await there.dump()).toBe(before)
    expect(await remains(there)).toBe('')
  },
  120_000,
)

test.each(['with setsid', 'without setsid'])(
  '%s, a step that hangs is ended with all below it when its time is up',
  async (how) => {
    const hide = how === 'without setsid'
    if (hide) await there.exec('mv /usr/bin/setsid /usr/bin/setsid.hidden')
    const before = await there.dump()
    const plan = await planThat('( sleep 277 ) & sleep 277; touch /etc/late')
    const words = await launched(host, plan, { transaction: 'hangs', window: 3, confirmWithin: 60 })
    expect(words.filter((word) => word !== 'armed')).toEqual([
      'intend',
      'done',
      'intend',
      'expired',
      'undoing',
      'undone',
      'undone',
      'rolled-back',
    ])
    expect(await running('sleep 277')).toBe('')
    if (hide) await there.exec('mv /usr/bin/setsid.hidden /usr/bin/setsid')
    await there.exec('rm -r /var/lib/ctfleet')
    expect(await there.dump()).toBe(before)
  },
  120_000,
)

test('an unconfirmed change is still taken back when the disk has become read-only', async () => {
  const before = await there.dump()
  await there.exec('mkdir -p /var/lib/ctfleet; mount -t tmpfs -o mode=700,size=1m tmpfs /var/lib/ctfleet')
  const plan = await planOn(host, WISHES.slice(0, 2))
  expect(await launched(host, plan, { transaction: 'readonly', window: 30, confirmWithin: 4 })).toContain('applied')
  expect(await there.dump()).toContain('ctfleet:test:1')
  expect(await there.exec('mount --bind -o ro /var/lib/ctfleet /var/lib/ctfleet')).toMatchObject({ code: 0 })
  const rest = async () => (await there.dump()).split('@@ ctfleet')[0]
  await poll(async () => ((await rest()) === before.split('@@ ctfleet')[0] ? true : undefined), {
    everyMs: 300,
    timeoutSeconds: 30,
  })
  expect(await rest()).toBe(before.split('@@ ctfleet')[0])
  await there.exec('umount -l /var/lib/ctfleet; umount -l /var/lib/ctfleet; rmdir /var/lib/ctfleet')
  expect(await there.dump()).toBe(before)
}, 120_000)

test('a full disk is noticed before anything begins', async () => {
  const before = await there.dump()
  const plan = await planOn(host, WISHES)
  await there.exec('mkdir -p /var/lib/ctfleet; mount -t tmpfs -o mode=700,size=16k tmpfs /var/lib/ctfleet')
  expect(await applyHost(plan, terms(20), TELLING)).toMatchObject({
    status: 'failed',
    fault: { message: expect.stringContaining('could not be written; nothing was touched') },
  })
  await there.exec('umount -l /var/lib/ctfleet; rmdir /var/lib/ctfleet')
  expect(await there.dump()).toBe(before)
})

test('a disk that fills up in the middle keeps room for the way back', async () => {
  const before = await there.dump()
  await there.exec('mkdir -p /var/lib/ctfleet; mount -t tmpfs -o mode=700,size=256k tmpfs /var/lib/ctfleet')
  const plan = await planThat(`size=$(wc -c < "$dir/journal")
printf "%$((4095 - size % 4096))s\\n" '' >> "$dir/journal"
dd if=/dev/zero of=/var/lib/ctfleet/filler bs=4096 2> /dev/null
:`)
  expect(await applyHost(plan, terms(20), TELLING)).toMatchObject({
    status: 'rolled-back',
    fault: { code: 'step-failed', message: expect.stringContaining('could not be recorded') },
  })
  expect((await there.exec('ls /var/lib/ctfleet')).stdout).toBe('filler\n')
  await there.exec('umount -l /var/lib/ctfleet; rmdir /var/lib/ctfleet')
  expect(await there.dump()).toBe(before)
}, 120_000)

test('files that cannot be written are found out before anything is changed', async () => {
  const before = await there.dump()
  const plan = await planOn(host, WISHES)
  await there.exec('mount --bind /etc/sysctl.d /etc/sysctl.d; mount -o remount,bind,ro /etc/sysctl.d')
  expect(await applyHost(plan, terms(20), TELLING)).toMatchObject({
    status: 'refused',
    fault: {
      message: expect.stringMatching(/could not be made ready \(.*Read-only file system\); nothing was touched/),
    },
  })
  await there.exec('umount /etc/sysctl.d')
  expect(await there.dump()).toBe(before)
  expect(await remains(there)).toBe('')
})

/** The one transaction that is on the host, once it is. */
async function theTransaction(): Promise<string> {
  const found = await poll(
    async () => {
      const { stdout } = await there.exec('ls /var/lib/ctfleet 2> /dev/null')
      return stdout.split('\n').find((name) => /^[0-9a-f]{10}$/.test(name))
    },
    { everyMs: 50, timeoutSeconds: 30 },
  )
  if (found === undefined) throw new Error(`no transaction came to ${there.name}`)
  return found
}
