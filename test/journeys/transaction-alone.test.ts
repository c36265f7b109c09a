import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import { applyHost } from '../../src/run/apply-host.ts'
import { askAbout } from '../../src/run/journal-link.ts'
import { resumeHost } from '../../src/run/resume-host.ts'
import { rollbackFromHost, rollbackHost } from '../../src/run/rollback-host.ts'
import { transactionsHost } from '../../src/run/transactions-host.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { planOn, rewritten, type Wish } from '../support/hand-made-plan.ts'
import { inventoryHost, opened } from '../support/lab-host.ts'
import { terms } from '../support/terms.ts'
import { journalOf, launched, remains, untilSaid } from '../support/trouble.ts'

/** What a host does with a transaction when its processes, or its controller, are gone. */

const able = canRunLab()
const TELLING = { signal: new AbortController().signal, onStage: () => undefined }
const KEY = 'net.netfilter.nf_conntrack_tcp_timeout_established'
const SYSCTL: Wish = ['sysctl', { key: KEY, value: 86400 }]
const FILE: Wish = ['file', { path: '/etc/sysctl.d/90-ctfleet.conf', content: 'x = 1\n' }]
const OTHER: Wish = ['file', { path: '/etc/sysctl.d/91-ctfleet.conf', content: 'y = 1\n' }]

let lab: Lab
let there: LabHost
let host: Host
let before: string
beforeAll(async () => {
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1'] })
  there = lab.host('web-1')
  host = inventoryHost(lab.dir, there)
})
afterAll(async () => await lab?.down())
beforeEach(async (ctx) => {
  if (!able.ok) ctx.skip(able.why)
  before = await there.dump()
})
afterEach(async () => {
  if (!able.ok) return
  await there.exec('rm -rf /var/lib/ctfleet')
  expect(await there.dump()).toBe(before)
})

const end = (transaction: string, ...files: readonly string[]) =>
  there.exec(
    files.map((file) => `read -r pid since < /var/lib/ctfleet/${transaction}/${file}; kill -KILL $pid`).join('\n'),
  )

test('a change for a time takes itself back when its time is over, and writes no file', async () => {
  const applied = await applyHost(await planOn(host, [SYSCTL, FILE]), terms(20, 6), TELLING)
  if (applied.status !== 'applied') throw new Error(JSON.stringify(applied).slice(0, 500))
  const seconds = (Date.parse(applied.until ?? '') - Date.now()) / 1000
  expect(seconds).toBeGreaterThan(0)
  expect(seconds).toBeLessThanOrEqual(6)
  const during = await there.dump()
  expect(during).toContain('timeout_established = 86400')
  expect(during).not.toContain('90-ctfleet')
  await untilSaid(there, applied.transaction, 'rolled-back')
  expect(await journalOf(there, applied.transaction)).toEqual(
    expect.arrayContaining(['committed', 'expired', 'undoing', 'undone', 'rolled-back']),
  )
})

test('a change for a time is taken back before it is over by whoever asks', async () => {
  const applied = await applyHost(await planOn(host, [SYSCTL]), terms(20, 600), TELLING)
  if (applied.status !== 'applied') throw new Error(JSON.stringify(applied).slice(0, 500))
  expect(await rollbackHost(applied, TELLING)).toMatchObject({ status: 'rolled-back', fault: null })
  expect(await remains(there)).toBe('')
})

/** First aid of a few seconds, in force. */
async function firstAid(seconds: number) {
  const plan = await planOn(host, [SYSCTL])
  const applied = await applyHost(plan, terms(20, seconds), TELLING)
  if (applied.status !== 'applied') throw new Error(JSON.stringify(applied).slice(0, 500))
  expect(await there.dump()).toContain('timeout_established = 86400')
  return { plan, transaction: applied.transaction }
}

test.each(['switch', 'second'])('first aid takes itself back although its %s is killed', async (watcher) => {
  const { transaction } = await firstAid(8)
  await end(transaction, watcher)
  await untilSaid(there, transaction, 'rolled-back')
})

test('over first aid nothing else is changed, which would lose its ground', async () => {
  const { plan, transaction } = await firstAid(600)
  const next = await planOn(host, [['sysctl', { key: KEY, value: 7000 }]])
  const refused = await applyHost(next, terms(20), TELLING)
  const message = expect.stringMatching(/^first aid of run 20261126-0942-7f3a by tester@here stands until /)
  expect(refused).toMatchObject({ status: 'refused', fault: { code: 'locked', message } })
  expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'rolled-back', fault: null })
  expect(await remains(there)).toBe('')
})

test('first aid that nobody watches over any more is watched again once somebody asks, and taken back in time', async () => {
  const { plan, transaction } = await firstAid(12)
  await end(transaction, 'switch', 'second')
  expect(await resumeHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'applied' })
  await untilSaid(there, transaction, 'rolled-back')
})

test('first aid whose time was over while nobody watched is taken back by the next transaction', async () => {
  const { transaction } = await firstAid(10)
  await end(transaction, 'switch', 'second')
  await there.exec('sleep 11')
  const next = await planOn(host, [['sysctl', { key: KEY, value: 7000 }]])
  expect(await applyHost(next, terms(20), TELLING)).toMatchObject({ status: 'refused', fault: { code: 'drifted' } })
  expect(await journalOf(there, transaction)).toEqual(expect.arrayContaining(['expired', 'rolled-back']))
})

test('an undo that cannot have the lock leaves first aid to those who watch over it', async () => {
  const { transaction } = await firstAid(6)
  // Somebody else, who lives.
  await there.exec(`cd /var/lib/ctfleet; mkdir other; setsid sleep 60 < /dev/null > /dev/null 2>&1 & pid=$!
cd /var/lib/ctfleet; echo "$pid $(sed 's/.*) //' /proc/$pid/stat | cut -d ' ' -f 20)" > other/main
sed '1s/.*/other/' lock/holder > holder; cat holder > lock/holder; rm holder; echo $pid > /run/other`)
  await there.exec(`sh /var/lib/ctfleet/${transaction}/transaction undo`)
  expect(await journalOf(there, transaction)).toContain('refused')
  await there.exec('kill $(cat /run/other); rm /run/other')
  await untilSaid(there, transaction, 'rolled-back')
})

test('where the switch is killed another one takes its place, and the change is still taken back', async () => {
  const words = await launched(host, await planOn(host, [SYSCTL]), { transaction: 'one', window: 30, confirmWithin: 6 })
  expect(words.at(-1)).toBe('applied')
  await end('one', 'switch')
  await untilSaid(there, 'one', 'rolled-back')
})

test('time passes also where the host cannot tell how long it is up', async () => {
  const plan = await planOn(host, [SYSCTL])
  await there.exec(': > /run/uptime; mount --bind /run/uptime /proc/uptime')
  try {
    await launched(host, plan, { transaction: 'timeless', window: 30, confirmWithin: 4 })
    await untilSaid(there, 'timeless', 'rolled-back')
  } finally {
    await there.exec('umount /proc/uptime; rm /run/uptime')
  }
})

test('with main and switch both killed nobody is left: resume takes the change back', async () => {
  const plan = await planOn(host, [SYSCTL, FILE])
  await launched(host, plan, { transaction: 'two', window: 30, confirmWithin: 60 })
  await end('two', 'second', 'switch')
  expect(await resumeHost({ plan, transaction: 'two' }, TELLING)).toMatchObject({ status: 'rolled-back' })
  expect(await remains(there)).toBe('')
})

test('the next transaction takes back what nobody stands behind any more, and is refused, since the host is another now', async () => {
  const plan = await planOn(host, [SYSCTL])
  await launched(host, plan, { transaction: 'three', window: 30, confirmWithin: 60 })
  await end('three', 'second', 'switch')
  const next = await planOn(host, [['sysctl', { key: KEY, value: 7000 }]])
  expect(await applyHost(next, terms(20), TELLING)).toMatchObject({
    status: 'refused',
    fault: {
      code: 'drifted',
      message: expect.stringMatching(/Seen since: what ".* 7000" is to change is another now$/),
    },
  })
  expect(await journalOf(there, 'three')).toContain('rolled-back')
})

test('a confirm that is killed between two files is finished by the switch', async () => {
  const plan = rewritten(await planOn(host, [SYSCTL, FILE, OTHER]), (change, number) =>
    number === 2 ? { apply: `${change.apply}\nif [ ! -e /run/once ]; then : > /run/once; sleep 30; fi` } : {},
  )
  await launched(host, plan, { transaction: 'four', window: 30, confirmWithin: 60 })
  await there.exec('sh /var/lib/ctfleet/four/transaction start confirm; while [ ! -e /run/once ]; do sleep 0.1; done')
  await end('four', 'hand')
  await untilSaid(there, 'four', 'committed')
  expect(await there.dump()).toContain('91-ctfleet.conf')
  expect(await resumeHost({ plan, transaction: 'four' }, TELLING)).toMatchObject({ status: 'applied' })
  expect(await rollbackFromHost({ host, transaction: 'four', about: null }, TELLING)).toMatchObject({
    status: 'rolled-back',
    plan: null,
  })
  await there.exec('rm /run/once')
  expect(await remains(there)).toBe('')
})

test('a daemon whose group has the number that a process of ours had long ago is left alone', async () => {
  const applied = await applyHost(await planOn(host, [SYSCTL]), terms(20), TELLING)
  if (applied.status !== 'applied') throw new Error(JSON.stringify(applied).slice(0, 500))
  // As daemons do: the leader of its session is gone.
  const daemon = await there.exec(`setsid sh -c 'sleep 288 & echo $$ $!' < /dev/null 2> /dev/null | {
    read -r leader daemon; echo "$leader 12345" > /var/lib/ctfleet/${applied.transaction}/main; echo "$daemon"; }`)
  expect(daemon.stdout).toMatch(/^\d+\n$/)
  expect(await rollbackHost(applied, TELLING)).toMatchObject({ status: 'rolled-back' })
  expect(await there.exec(`kill ${daemon.stdout.trim()}`)).toMatchObject({ code: 0 })
})

test('what stands in a directory that others may write to is not run', async () => {
  const plan = await planOn(host, [SYSCTL])
  const bad = ['mkdir -m 777 /var/lib/ctfleet', 'mkdir -m 700 /run/elsewhere; ln -s /run/elsewhere /var/lib/ctfleet']
  for (const made of bad) {
    await there.exec(`${made}; mkdir /var/lib/ctfleet/x; echo ': > /run/was-run' > /var/lib/ctfleet/x/transaction`)
    const fault = { code: 'step-failed', message: expect.stringContaining('others than root may write') }
    expect(await applyHost(plan, terms(20), TELLING)).toMatchObject({ status: 'failed', fault })
    expect(await transactionsHost(host, TELLING)).toMatchObject({ status: 'failed', fault })
    expect((await there.exec('ls /var/lib/ctfleet/ /run/was-run')).stdout).toBe('/var/lib/ctfleet/:\nx\n')
    await there.exec('rm -rf /var/lib/ctfleet /run/elsewhere')
  }
})

test('a change that never began cannot begin any more once it was asked about', async () => {
  const plan = await planOn(host, [SYSCTL])
  await using session = await opened(host)
  expect(await askAbout(session, 'late')).toEqual({ never: true })
  expect(await launched(host, plan, { transaction: 'late', window: 30, confirmWithin: 6 })).toEqual([])
  expect(await resumeHost({ plan, transaction: 'late' }, TELLING)).toMatchObject({ status: 'not-reached' })
})

test('resume takes back what still waits for its confirmation', async () => {
  const plan = await planOn(host, [SYSCTL, FILE])
  await launched(host, plan, { transaction: 'five', window: 30, confirmWithin: 60 })
  expect(await resumeHost({ plan, transaction: 'five' }, TELLING)).toMatchObject({ status: 'rolled-back' })
  expect(await remains(there)).toBe('')
})
