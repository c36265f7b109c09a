import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { HostResult } from '../../src/model/result.ts'
import { databaseStore } from '../../src/store/database.ts'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet, startCtfleet } from '../support/ctfleet.ts'
import { remains } from '../support/trouble.ts'
import { UDP, UDP_FILE, UDP_PLAYBOOK } from '../support/udp-playbook.ts'

/** ctfleet goes away in the middle, or forgets everything: the hosts know, and each ends as it was or as it was to be. */

const able = canRunLab()
const NAMES = ['web-1', 'legacy-1', 'sudo-1', 'open-1'] as const
type Name = (typeof NAMES)[number]

let lab: Lab
let dir: string
let env: { readonly CTFLEET_INVENTORY: string; readonly CTFLEET_STATE: string }
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  await writeFile(join(dir, 'udp.yaml'), UDP_PLAYBOOK)
  lab = await startLab({ hosts: NAMES })
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach(async (context) => {
  if (!able.ok) return context.skip(able.why)
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: await mkdtemp(join(dir, 'state-')) }
})

test('killed in the middle of a fleet: resume keeps what was confirmed, takes back what was not, and waits for the dead', async () => {
  const before = await lab.host('legacy-1').dump()
  await standStillAfter('legacy-1', 'intend')
  await standStillAfter('open-1', 'confirmed')
  const running = startCtfleet(apply('--limit', 'all', '--waves', '3,100%', '--confirm-within', '10m'), env)
  await said('web-1', 'committed')
  await said('legacy-1', 'intend')
  await said('open-1', 'confirmed')
  await recorded('web-1', 'applied')
  const [run] = (await store().list()).runs
  const id = run?.id ?? ''
  // Nobody closes a run under the feet of who is at it.
  const early = await ctfleet(['resume', id], env)
  expect(early).toMatchObject({ code: 2, stderr: expect.stringMatching(/still at work on this run, as process \d+/) })
  running.kill()
  await running.ended
  expect(await onRecord(id)).toEqual({
    'web-1': 'applied',
    'legacy-1': 'under-way',
    'open-1': 'under-way',
    'sudo-1': 'planned',
  })

  await lab.host('open-1').cut()
  await goOn('legacy-1')
  await goOn('open-1')
  const first = await ctfleet(['resume', id, '--format', 'json'], env)
  expect(first.code, first.stderr).toBe(1)
  expect(statuses(first.stdout)).toEqual({
    'legacy-1': 'rolled-back',
    'open-1': 'unreachable',
    'sudo-1': 'not-reached',
  })
  expect(first.stderr).toContain(`When open-1 can be asked: ctfleet resume ${id}`)
  expect(await lab.host('legacy-1').dump()).toBe(before)
  expect(await onRecord(id)).toMatchObject({
    'legacy-1': 'rolled-back',
    'open-1': 'under-way',
    'sudo-1': 'not-reached',
  })
  expect((await store().list()).runs.find((each) => each.id === id)?.endedAt).toBeNull()

  await lab.host('open-1').mend()
  const second = await ctfleet(['resume', 'last', '--format', 'json'], env)
  expect(second.code, second.stderr).toBe(0)
  expect(statuses(second.stdout)).toEqual({ 'open-1': 'applied' })
  expect(await timeoutOf('open-1')).toBe('17')
  expect(await onRecord(id)).toMatchObject({ 'web-1': 'applied', 'open-1': 'applied' })
  expect((await store().list()).runs.find((each) => each.id === id)?.endedAt).not.toBeNull()

  const back = await ctfleet(['rollback', id, '--yes', '--format', 'json'], env)
  expect(back.code, back.stderr).toBe(0)
  expect(statuses(back.stdout)).toEqual({ 'web-1': 'rolled-back', 'open-1': 'rolled-back' })
  for (const name of NAMES) expect(await remains(lab.host(name))).toBe('')
})

test('a host whose change is not over is neither healthy nor already right, whoever looks', async () => {
  const looked = async (...words: readonly string[]) => {
    const { code, stdout } = await ctfleet([...words, '--limit', 'web-1', '--format', 'json'], env)
    return { code, host: JSON.parse(stdout).hosts[0] }
  }
  expect(await looked('plan')).toMatchObject({ code: 0, host: { status: 'healthy' } })

  await standStillAfter('web-1', 'applied')
  const running = startCtfleet(apply('--limit', 'web-1', '--confirm-within', '10m'), env)
  await said('web-1', 'applied')
  running.kill()
  await running.ended
  await goOn('web-1')
  expect(await timeoutOf('web-1')).toBe('17')
  const [run] = (await store().list()).runs
  const id = run?.id ?? ''
  const fault = {
    code: 'locked',
    message: expect.stringMatching(`^it is locked since .* of run ${id} by `),
    next: expect.stringMatching(`ctfleet resume ${id}$`),
  }
  const blocked = { code: 1, host: { status: 'blocked', fault } }
  expect(await looked('plan')).toMatchObject(blocked)
  expect(await looked('apply', '--yes')).toMatchObject(blocked)
  expect(await looked('explain')).toMatchObject({ code: 1, host: { locked: fault, health: 'cannot-tell' } })
  expect((await looked('facts')).host.facts.lock.holder).toMatchObject({ value: { asker: { run: id }, until: null } })
  const resumed = await ctfleet(['resume', id, '--format', 'json'], env)
  expect(statuses(resumed.stdout)).toEqual({ 'web-1': 'rolled-back' })
  expect(await looked('plan')).toMatchObject({ code: 0, host: { status: 'healthy' } })

  const aid = await ctfleet(apply('--limit', 'web-1', '--for', '1h'), env)
  expect(aid.code, aid.stderr).toBe(0)
  const { run: aided } = JSON.parse(aid.stdout) as { readonly run: string }
  const again = await ctfleet(apply('--limit', 'web-1', '--for', '1h'), env)
  expect([again.code, statuses(again.stdout)]).toEqual([1, { 'web-1': 'blocked' }])
  expect(again.stdout).toMatch(
    new RegExp(`first aid of run ${aided} by .* stands until .*, and takes itself back then`),
  )
  expect((await ctfleet(['rollback', aided, '--yes'], env)).code).toBe(0)
  expect(await looked('plan')).toMatchObject({ code: 0, host: { status: 'healthy' } })
  expect(await remains(lab.host('web-1'))).toBe('')
})

test('a change that was cut off is taken back by a rollback of its run as well', async () => {
  const before = await lab.host('web-1').dump()
  await standStillAfter('web-1', 'intend')
  const running = startCtfleet(apply('--limit', 'web-1'), env)
  await said('web-1', 'intend')
  running.kill()
  await running.ended
  await goOn('web-1')
  const { code, stdout, stderr } = await ctfleet(['rollback', 'last', '--yes', '--format', 'json'], env)
  expect(code, stderr).toBe(0)
  expect(statuses(stdout)).toEqual({ 'web-1': 'rolled-back' })
  expect(await lab.host('web-1').dump()).toBe(before)
  const { runs } = await store().list()
  expect(runs.map(({ command, endedAt, hosts }) => [command, endedAt === null, hosts[0]?.status])).toEqual([
    ['rollback', false, 'rolled-back'],
    ['apply', false, 'rolled-back'],
  ])
})

test('the record is lost: hosts tell what stands on them, a drifted one gives back what it still can, and clean leaves nothing', async () => {
  const before = await lab.host('legacy-1').dump()
  const applied = await ctfleet(apply('--limit', 'web-1,legacy-1'), env)
  expect(applied.code, applied.stderr).toBe(0)
  const { run } = JSON.parse(applied.stdout) as { readonly run: string }
  await lab.host('web-1').exec(`echo 99 > ${UDP}`)
  const fresh = { ...env, CTFLEET_STATE: await mkdtemp(join(dir, 'state-')) }
  const words = ['rollback', '--from-hosts', lab.inventoryPath, '--yes']

  const other = await ctfleet([...words, '20010101'], fresh)
  expect(other.stdout).toContain('Nothing that could be taken back.')
  const { code, stdout } = await ctfleet(words, fresh)
  expect(code).toBe(3)
  expect(stdout).toMatch(new RegExp(`legacy-1: 1 transaction\\n.*committed: confirmed and kept.*udp.*${run}`, 's'))
  expect(stdout).toMatch(
    /web-1 +needs-hands.*not everything.*set net\.netfilter\.nf_conntrack_udp_timeout to 17: changed/s,
  )
  expect(stdout).toMatch(/legacy-1 +rolled-back/)
  expect(await lab.host('legacy-1').dump()).toBe(before)
  expect(await timeoutOf('web-1')).toBe('99')
  expect((await lab.host('web-1').exec(`ls ${UDP_FILE}`)).code).not.toBe(0)
  expect((await databaseStore(fresh.CTFLEET_STATE, () => {}).list()).runs).toMatchObject([
    { command: 'rollback', of: run },
  ])

  // Its undo is needed as long as nobody says that it is not.
  const kept = await ctfleet(['clean', '--yes', '--limit', 'web-1,legacy-1'], fresh)
  expect(kept.code, kept.stderr).toBe(1)
  expect(kept.stdout).toMatch(/web-1 +kept.*undo is still needed.*legacy-1 +clean/s)
  await lab.host('web-1').exec(`echo 30 > ${UDP}`)
  const resumed = await ctfleet(['resume', 'last', '--format', 'json'], fresh)
  expect(resumed.code, resumed.stderr).toBe(0)
  expect(statuses(resumed.stdout)).toEqual({ 'web-1': 'rolled-back' })
  expect(await remains(lab.host('web-1'))).toBe('')
})

test('clean forgets how to take a change back and leaves it in force, but never one that is under way', async () => {
  const applied = await ctfleet(apply('--limit', 'web-1'), env)
  expect(applied.code, applied.stderr).toBe(0)
  await standStillAfter('legacy-1', 'intend')
  const running = startCtfleet(apply('--limit', 'legacy-1'), env)
  await said('legacy-1', 'intend')
  const { code, stdout, stderr } = await ctfleet(
    ['clean', '--yes', '--limit', 'web-1,legacy-1,open-1', '--format', 'json'],
    env,
  )
  expect(code, stderr).toBe(1)
  expect(stderr).toMatch(/What was confirmed on web-1 stays as it is now, .* only its undo goes/)
  expect(JSON.parse(stdout)).toMatchObject({
    hosts: [
      { host: 'web-1', status: 'clean', removed: [expect.any(String)] },
      { host: 'legacy-1', status: 'kept', removed: [], kept: [{ code: 'locked' }, { code: 'locked' }] },
      { host: 'open-1', status: 'clean', removed: [] },
    ],
  })
  expect(await remains(lab.host('web-1'))).toBe('')
  expect(await timeoutOf('web-1')).toBe('17')
  await lab.host('web-1').exec(`echo 30 > ${UDP}; rm ${UDP_FILE}`)

  await goOn('legacy-1')
  const undisturbed = await running.ended
  expect(undisturbed.code, undisturbed.stderr).toBe(0)
  expect((await ctfleet(['rollback', 'last', '--yes'], env)).code).toBe(0)
  expect(await remains(lab.host('legacy-1'))).toBe('')
})

test('verify tells after a restart what is in force and what is not, and show prints what the host would run', async () => {
  const host = lab.host('web-1')
  const applied = await ctfleet(apply('--limit', 'web-1'), env)
  expect(applied.code, applied.stderr).toBe(0)
  const { run, hosts } = JSON.parse(applied.stdout) as { readonly run: string; readonly hosts: readonly HostResult[] }
  const [first] = hosts
  const transaction = first !== undefined && 'transaction' in first ? first.transaction : ''
  expect(await ctfleet(['verify', run], env)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2 of 2 changes'),
  })
  const tooEarly = await ctfleet(['verify', '--after-reboot', '--limit', 'web-1'], env)
  expect(tooEarly).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/not-restarted +it was not restarted since/),
  })

  await host.reboot()
  const found = await ctfleet(['verify', '--after-reboot', '--limit', 'web-1'], env)
  expect(found.code, found.stderr).toBe(0)
  expect(found.stdout).toMatch(/web-1 +in-force +2 of 2 changes in force, restarted since/)
  await host.exec(`echo 30 > ${UDP}`)
  const lost = await ctfleet(['verify', run, '--after-reboot'], env)
  expect(lost.code, lost.stderr).toBe(1)
  expect(lost.stdout).toMatch(/web-1 +not-in-force +1 of 2 changes in force, restarted since.*- .*= 30\n.*\+ .*= 17\n/s)
  await host.exec(`echo 17 > ${UDP}`)

  const shown = await ctfleet(['show', run, 'web-1'], env)
  expect(shown.code, shown.stderr).toBe(0)
  expect(shown.stdout).toMatch(/Journal of .*armed.*applied.*confirmed.*committed.*The host was restarted since\./s)
  expect(shown.stdout).toContain(`sh /var/lib/ctfleet/${transaction}/undo`)
  const undo = shown.stdout.slice(shown.stdout.indexOf('#!/bin/sh\n'))
  // It is a script as it stands.
  expect(await host.exec(undo)).toMatchObject({ code: 0 })
  expect([await timeoutOf('web-1'), (await host.exec(`ls ${UDP_FILE}`)).code === 0]).toEqual(['30', false])
  expect((await ctfleet(['verify', run], env)).stdout).toContain('0 of 2 changes in force')
  expect((await ctfleet(['rollback', run, '--yes'], env)).code).toBe(0)
  expect(await remains(host)).toBe('')
})

function apply(...more: readonly string[]): readonly string[] {
  return ['apply', '--strategy', join(dir, 'udp.yaml'), '--yes', '--format', 'json', '--pause', '0', ...more]
}

/** From now on whoever syncs the host's journal to disk waits there, once it holds this word. */
async function standStillAfter(name: Name, word: string): Promise<void> {
  await lab.host(name).exec(`rm -f /run/go
cat > /usr/sbin/dd << 'END'
#!/bin/sh
case $* in *of=/var/lib/ctfleet/*/journal*)
  if grep -q ' ${word}' /var/lib/ctfleet/*/journal; then while [ ! -e /run/go ]; do sleep 0.1; done; fi ;;
esac
exec /usr/bin/dd "$@"
END
chmod 755 /usr/sbin/dd`)
}

async function goOn(name: Name): Promise<void> {
  await lab.host(name).exec('touch /run/go; rm /usr/sbin/dd')
}

async function said(name: Name, word: string): Promise<void> {
  const journal = async () => (await lab.host(name).exec('cat /var/lib/ctfleet/*/journal 2> /dev/null')).stdout
  await eventually(`${name} says ${word}`, async () => (await journal()).includes(` ${word}`))
}

async function recorded(name: Name, status: string): Promise<void> {
  await eventually(`${name} is on record as ${status}`, async () => {
    const [run] = (await store().list()).runs
    return run?.hosts.find(({ host }) => host === name)?.status === status
  })
}

async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const found = await poll(async () => ((await isSo()) ? true : undefined), { everyMs: 200, timeoutSeconds: 90 })
  if (found !== true) throw new Error(`it never came to that: ${what}`)
}

function store() {
  return databaseStore(env.CTFLEET_STATE, () => {})
}

async function onRecord(id: string): Promise<object> {
  const run = (await store().list()).runs.find((each) => each.id === id)
  return Object.fromEntries(run?.hosts.map(({ host, status }) => [host, status]) ?? [])
}

async function timeoutOf(name: Name): Promise<string> {
  return (await lab.host(name).exec(`cat ${UDP}`)).stdout.trim()
}

function statuses(stdout: string): object {
  const { hosts } = JSON.parse(stdout) as { readonly hosts: readonly HostResult[] }
  return Object.fromEntries(hosts.map(({ host, status }) => [host, status]))
}
