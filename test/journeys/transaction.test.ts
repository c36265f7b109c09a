import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import { applyHost } from '../../src/run/apply-host.ts'
import { rollbackHost } from '../../src/run/rollback-host.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { planOn, rewritten, type Wish } from '../support/hand-made-plan.ts'
import { inventoryHost } from '../support/lab-host.ts'
import { acceptPort, edit } from '../support/rules.ts'
import { terms } from '../support/terms.ts'
import { journalOf, remains } from '../support/trouble.ts'

const able = canRunLab()
const TELLING = { signal: new AbortController().signal, onStage: () => undefined }
const LIMITS = terms(20)
const TIMEOUT = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established'

const SYSCTL: Wish = ['sysctl', { key: 'net.netfilter.nf_conntrack_tcp_timeout_established', value: 86400 }]
const UDP: Wish = ['sysctl', { key: 'net.netfilter.nf_conntrack_udp_timeout', value: 17 }]
const RULES: Wish = [
  'firewall',
  {
    edits: [
      edit({
        spec: acceptPort(8001, 'ctfleet:test:1'),
        key: 'ctfleet:test:1',
        after: '-i lo -j ACCEPT',
        before: '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      }),
      edit({
        table: 'raw',
        chain: 'PREROUTING',
        spec: '-p tcp -m tcp --dport 80 -m comment --comment ctfleet:test:2 -j CT --notrack',
        key: 'ctfleet:test:2',
      }),
    ],
  },
]
const FILE: Wish = ['file', { path: '/etc/sysctl.d/90-ctfleet.conf', content: "# it's ours\nx = $(id)\n" }]
const ALL: readonly Wish[] = [SYSCTL, RULES, FILE]

let lab: Lab
beforeAll(async () => {
  if (able.ok) lab = await startLab({ hosts: ['web-1', 'sudo-1', 'busybox-1', 'open-1'] })
})
afterAll(async () => await lab?.down())

beforeEach((ctx) => {
  if (!able.ok) ctx.skip(able.why)
})

function hosts(name: string): { readonly there: LabHost; readonly host: Host } {
  const there = lab.host(name)
  return { there, host: inventoryHost(lab.dir, there) }
}

describe.each(['web-1', 'sudo-1', 'busybox-1'])('on %s', (name) => {
  test('what was applied shows, a second plan is empty, and rolled back nothing of it is left', async () => {
    const { there, host } = hosts(name)
    const before = await there.dump()
    const plan = await planOn(host, ALL)
    expect(plan.changes.map(({ kind }) => kind)).toEqual(['sysctl', 'firewall', 'firewall', 'file'])
    const applied = await applyHost(plan, LIMITS, TELLING)
    if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))

    const after = await there.dump()
    for (const trace of [
      'ctfleet:test:1',
      'ctfleet:test:2',
      'timeout_established = 86400',
      '90-ctfleet.conf f 644 0:0',
    ]) {
      expect(after).toContain(trace)
    }
    expect((await planOn(host, ALL)).changes).toEqual([])
    expect(await journalOf(there, applied.transaction)).toEqual([
      'armed',
      ...['intend', 'done', 'intend', 'done', 'intend', 'done'],
      'applied',
      'confirmed',
      ...['intend', 'done'],
      'committed',
    ])
    expect((await there.exec(`stat -c %a /var/lib/ctfleet /var/lib/ctfleet/*`)).stdout).toMatch(/^(?:700\n)+$/)

    const back = await rollbackHost({ plan, transaction: applied.transaction }, TELLING)
    expect(back).toMatchObject({ status: 'rolled-back', fault: null })
    expect(await there.dump()).toBe(before)
    expect(await remains(there)).toBe('')
    expect(await rollbackHost({ plan, transaction: applied.transaction }, TELLING)).toMatchObject({
      status: 'failed',
      fault: { message: expect.stringContaining('no transaction') },
    })
  })
})

describe('on a web server', () => {
  let there: LabHost
  let host: Host
  let before: string
  beforeEach(async () => {
    if (!able.ok) return
    ;({ there, host } = hosts('web-1'))
    before = await there.dump()
  })
  afterEach(async () => {
    // What one test leaves must not be the next one's trouble.
    if (able.ok) expect(await there.dump()).toBe(before)
  })

  test('a step that fails in the middle takes back those before it, and says why', async () => {
    const broken: Wish = ['firewall', { edits: [edit({ spec: '-m nosuchmatch -j ACCEPT', key: 'ctfleet:test:9' })] }]
    const result = await applyHost(await planOn(host, [SYSCTL, broken, FILE]), LIMITS, TELLING)
    expect(result).toMatchObject({
      status: 'rolled-back',
      fault: { code: 'step-failed', message: expect.stringMatching(/add 1 rule in IPv4 filter failed \(exit \d+: /) },
    })
    expect(await there.dump()).toBe(before)
    expect(await remains(there)).toBe('')
  })

  test('a host that changed since the plan is refused and not touched', async () => {
    const plan = await planOn(host, ALL)
    await there.exec(`echo 7000 > ${TIMEOUT}`)
    const changed = await there.dump()
    expect(await applyHost(plan, LIMITS, TELLING)).toMatchObject({ status: 'refused', fault: { code: 'drifted' } })
    expect(await there.dump()).toBe(changed)
    expect(await remains(there)).toBe('')
    await there.exec(`echo 432000 > ${TIMEOUT}`)
  })

  test('of two controllers at once one wins, and the other is told who holds the host', async () => {
    const [one, two] = await Promise.all([planOn(host, [SYSCTL, RULES]), planOn(host, [UDP])])
    const results = await Promise.all([applyHost(one, LIMITS, TELLING), applyHost(two, LIMITS, TELLING)])
    const won = results.find(({ status }) => status === 'applied')
    const lost = results.find(({ status }) => status === 'refused')
    if (won?.status !== 'applied' || lost?.status !== 'refused') throw new Error(JSON.stringify(results))
    expect(lost.fault).toMatchObject({ code: 'locked', message: expect.stringContaining(won.transaction) })
    const { plan, transaction } = won
    expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'rolled-back' })
    expect(await remains(there)).toBe('')
  })

  test('a rollback waits for no lock, and loses no undo to one', async () => {
    const plan = await planOn(host, [SYSCTL])
    const applied = await applyHost(plan, LIMITS, TELLING)
    if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
    const { transaction } = applied
    // A transaction of somebody else's, with a process that carries it.
    await there.exec(`mkdir /var/lib/ctfleet/lock /var/lib/ctfleet/other
      sleep 271 < /dev/null > /dev/null 2>&1 &
      echo "$! $(sed 's/.*) //' /proc/$!/stat | cut -d ' ' -f 20)" > /var/lib/ctfleet/other/main
      { echo other; sh -c '${LIFE}'; echo 1795651200; echo 'run 20261126-0000-beef by ann@desk'; } > /var/lib/ctfleet/lock/holder`)
    expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({
      status: 'refused',
      fault: {
        code: 'locked',
        message: 'it is locked since 2026-11-26 00:00 UTC by transaction other of run 20261126-0000-beef by ann@desk',
        next: expect.stringContaining('ctfleet resume 20261126-0000-beef'),
      },
    })
    // Once that is gone, however young its lock, nobody stands behind it any more.
    await there.exec('read -r pid since < /var/lib/ctfleet/other/main; kill $pid; rm -r /var/lib/ctfleet/other/main')
    expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'rolled-back' })
    await there.exec('rm -r /var/lib/ctfleet/other; rmdir /var/lib/ctfleet')
    expect(await remains(there)).toBe('')
  })

  test('the lock of a life before the restart is taken over, and what it staged is dropped', async () => {
    const plan = await planOn(host, [UDP])
    await there.exec(
      'mkdir -p /var/lib/ctfleet/lock; printf "other\\nsome-other-boot\\n12\\n" > /var/lib/ctfleet/lock/holder',
    )
    const applied = await applyHost(plan, LIMITS, TELLING)
    if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
    const { transaction } = applied
    expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'rolled-back' })
    expect(await remains(there)).toBe('')
  })

  test('a rollback leaves what somebody changed since, names it, and undoes the rest', async () => {
    const plan = await planOn(host, [UDP, SYSCTL, RULES])
    const applied = await applyHost(plan, LIMITS, TELLING)
    if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
    await there.exec(`echo 12345 > ${TIMEOUT}`)
    const { transaction } = applied
    expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({
      status: 'needs-hands',
      fault: {
        code: 'undo-failed',
        message: expect.stringMatching(
          /^not everything .* set net\.netfilter\.nf_conntrack_tcp_timeout_established to 86400: changed by/,
        ),
      },
    })
    expect(await there.dump()).toContain('timeout_established = 12345')
    // A person puts it right and lets the undo finish.
    await there.exec(`echo 432000 > ${TIMEOUT}`)
    expect(await there.exec(`sh /var/lib/ctfleet/${transaction}/undo`)).toMatchObject({
      code: 0,
      stdout: `All that transaction ${transaction} changed is taken back.\n`,
    })
    await there.exec('rm -r /var/lib/ctfleet')
  })

  test('a committed change is taken back by hand, with nothing but the host', async () => {
    const plan = await planOn(host, ALL)
    const applied = await applyHost(plan, LIMITS, TELLING)
    if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
    expect(await there.exec(`cd / && sh /var/lib/ctfleet/${applied.transaction}/undo`)).toMatchObject({ code: 0 })
    await there.exec('rm -r /var/lib/ctfleet')
  })

  test('a change that keeps us out takes itself back, and the result says so', async () => {
    const drop: Wish = [
      'firewall',
      {
        edits: [
          edit({
            spec: '-p tcp -m tcp --dport 22 -m comment --comment ctfleet:test:9 -j DROP',
            key: 'ctfleet:test:9',
            before: '-i lo -j ACCEPT',
          }),
        ],
      },
    ]
    const result = await applyHost(await planOn(host, [SYSCTL, drop]), terms(4), TELLING)
    expect(result).toMatchObject({
      status: 'rolled-back',
      fault: {
        code: 'not-confirmed',
        message: expect.stringMatching(/no new login was possible after the change \(none within 4 s\)/),
      },
    })
    expect(await remains(there)).toBe('')
  })

  test('a gate that does not hold takes everything back', async () => {
    const plan = await planOn(host, [SYSCTL, UDP])
    const wrong = rewritten(plan, (change, number) =>
      number === 2 ? { after: { path: '/nowhere', value: '1' } } : change,
    )
    expect(await applyHost(wrong, LIMITS, TELLING)).toMatchObject({
      status: 'rolled-back',
      fault: { code: 'not-verified', message: expect.stringContaining('nf_conntrack_udp_timeout') },
    })
    expect(await remains(there)).toBe('')
  })
})

test.each(['dash', 'busybox'])('with %s, tables that our rules made go again from a host that had none', async (sh) => {
  const { there, host } = hosts('open-1')
  // busybox's sh takes its own grep, too.
  await there.exec(`ln -sfn "$(command -v ${sh})" /bin/sh`)
  const tables = async () => (await there.exec('nft list tables')).stdout
  const before = [await there.dump(), await tables()]
  const plan = await planOn(host, [['firewall', { edits: [edit({ spec: acceptPort(8001, 'ctfleet:test:1') })] }]])
  const applied = await applyHost(plan, LIMITS, TELLING)
  if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
  expect(await tables()).toContain('table ip filter')
  await rollbackHost({ plan, transaction: applied.transaction }, TELLING)
  expect([await there.dump(), await tables()]).toEqual(before)
})

const LIFE = 'cat /proc/sys/kernel/random/boot_id; sed "s/.*) //" /proc/1/stat | cut -d" " -f20'
