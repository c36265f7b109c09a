import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest'
import { applyHost } from '../../src/run/apply-host.ts'
import { rollbackHost } from '../../src/run/rollback-host.ts'
import { approvedScript } from '../../src/shell/script.ts'
import type { Session } from '../../src/transport/transport.ts'
import { canRunLab, type LabVm, startVm } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { planOn } from '../support/hand-made-plan.ts'
import { inventoryHost, opened } from '../support/lab-host.ts'
import { LOOK } from '../support/look.ts'
import { acceptPort, edit } from '../support/rules.ts'
import type { StepCase } from '../support/step-cases.ts'
import { holdsTheLaws } from '../support/step-laws.ts'
import { terms } from '../support/terms.ts'
import { remains } from '../support/trouble.ts'

/** What needs a kernel of its own: the global settings of connection tracking, and modules that come and go. */
const TELLING = { signal: new AbortController().signal, onStage: () => undefined }
const LIMITS = terms(60)
const MODULES = ['xt_conntrack', 'nf_conntrack', 'nf_defrag_ipv6', 'nf_defrag_ipv4']
const TIDY = 'modprobe -r xt_conntrack nf_conntrack; modprobe -q -r nf_defrag_ipv6 nf_defrag_ipv4 libcrc32c; :'
const SETTINGS = [
  'modprobe -a nf_conntrack xt_conntrack',
  'echo 7777 > /sys/module/nf_conntrack/parameters/hashsize',
  'echo 12345 > /proc/sys/net/netfilter/nf_conntrack_max',
  'echo 4321 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established',
].join(' && ')

const CASES: readonly StepCase[] = [
  {
    name: 'hash-size: 50000 buckets, which the kernel rounds up',
    given: 'modprobe nf_conntrack',
    wish: ['hash-size', { buckets: 50_000 }],
    halfThere: 'echo 1024 > /sys/module/nf_conntrack/parameters/hashsize',
    tidy: 'modprobe -r nf_conntrack',
  },
  {
    name: 'sysctl: max',
    given: 'modprobe nf_conntrack',
    wish: ['sysctl', { key: 'net.netfilter.nf_conntrack_max', value: 99_999 }],
    tidy: 'modprobe -r nf_conntrack',
  },
  {
    name: 'kernel-modules: all of connection tracking, with every setting',
    given: SETTINGS,
    wish: ['kernel-modules', { unload: MODULES }],
    halfThere: 'rmmod xt_conntrack',
    halfBack: 'modprobe nf_conntrack',
    tidy: TIDY,
  },
  {
    name: 'kernel-modules: a leaf alone, while tracking stays',
    given: SETTINGS,
    wish: ['kernel-modules', { unload: ['xt_conntrack'] }],
    tidy: TIDY,
  },
]

let vm: LabVm | undefined
let why = 'virtual machines need root'
beforeAll(async () => {
  const able = canRunLab()
  if (!able.ok) why = able.why
  else
    vm = await startVm().catch((error: unknown) => {
      why = `no virtual machine can be had here: ${String(error).slice(0, 200)}`
      return undefined
    })
}, 900_000)
afterAll(async () => await vm?.down())

let there: LabVm
beforeEach((ctx: TestContext) => {
  if (vm === undefined) ctx.skip(why)
  else there = vm
})

// These first, while nothing of netfilter was ever loaded.
test('commands that only look load nothing and leave no trace', async () => {
  const state = await mkdtemp(join(tmpdir(), 'ctfleet-look-'))
  const env = { CTFLEET_INVENTORY: there.inventoryPath, CTFLEET_STATE: state }
  const look = async () => (await there.exec(LOOK)).stdout
  const before = await look()
  expect(before).toContain('@@ processes')
  for (const words of [['facts'], ['explain'], ['plan'], ['plan', '--strategy', 'tune'], ['audit'], ['doctor']]) {
    const { code, stdout, stderr } = await ctfleet(words, env)
    expect([0, 1, 4], `${words.join(' ')}: ${stdout}${stderr}`).toContain(code)
    await expect.poll(look, { timeout: 10_000, interval: 500 }).toBe(before)
  }
  await rm(state, { recursive: true })
})

test('modules and tables that a rule brought along go again with it', async () => {
  const host = inventoryHost(there.dir, there)
  const before = await there.dump()
  const spec = acceptPort(8001, 'ctfleet:test:1')
  const raw = '-p tcp -m tcp --dport 80 -m comment --comment ctfleet:test:2 -j CT --notrack'
  for (const backend of ['nft', 'legacy'] as const) {
    const plan = await planOn(host, [
      [
        'firewall',
        {
          edits: [
            edit({ backend, spec }),
            edit({ backend, table: 'raw', chain: 'PREROUTING', spec: raw, key: 'ctfleet:test:2' }),
          ],
        },
      ],
    ])
    expect(await there.dump(), 'a plan changes nothing').toBe(before)
    const applied = await applyHost(plan, LIMITS, TELLING)
    if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
    expect(await there.dump()).toContain('ctfleet:test:2')
    const { transaction } = applied
    expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'rolled-back', fault: null })
    expect(await there.dump(), backend).toBe(before)
    expect(await remains(there)).toBe('')
  }
})

describe('steps keep their laws', () => {
  let session: Session | undefined
  beforeAll(async () => {
    if (vm === undefined) return
    session = await opened(inventoryHost(vm.dir, vm))
  })
  afterAll(async () => await session?.[Symbol.asyncDispose]())

  test.each(CASES.map((each) => [each.name, each] as const))('%s', async (_title, given) => {
    const before = await there.dump()
    await holdsTheLaws(
      {
        thorough: true,
        dump: () => there.dump(),
        async run(text) {
          const outcome = await session?.run(approvedScript(text), { as: 'root', timeoutMs: 60_000 })
          if (outcome === undefined || !('type' in outcome) || outcome.type !== 'exited')
            throw new Error(JSON.stringify(outcome))
          return outcome
        },
      },
      given,
    )
    if (given.tidy !== undefined) await there.exec(given.tidy)
    // It comes with the first checksum of the kernel's, and whether it goes again is no matter of any step.
    const settled = (dump: string) => dump.replace('crc32c_intel\n', '')
    expect(settled(await there.dump())).toBe(settled(before))
  })
})

test('50000 buckets: the plan says what the kernel will make of it, and a second plan is empty', async () => {
  const host = inventoryHost(there.dir, there)
  await there.exec('modprobe nf_conntrack')
  const plan = await planOn(host, [['hash-size', { buckets: 50_000 }]])
  expect(plan.changes[0]?.shown.after).toEqual(['buckets = 50176'])
  const applied = await applyHost(plan, LIMITS, TELLING)
  if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
  expect((await planOn(host, [['hash-size', { buckets: 50_000 }]])).changes).toEqual([])
  const { transaction } = applied
  expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'rolled-back' })
  await there.exec('modprobe -r nf_conntrack')
})

test('connection tracking unloaded with its rules, and put back with every setting', async () => {
  const host = inventoryHost(there.dir, there)
  const answers = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
  await there.exec(`${SETTINGS} && iptables-nft -A INPUT ${answers}`)
  const before = await there.dump()
  const plan = await planOn(host, [
    ['firewall', { edits: [edit({ action: 'remove', spec: answers, key: '1' })] }],
    ['kernel-modules', { unload: MODULES }],
    ['file', { path: '/etc/modprobe.d/ctfleet.conf', content: 'install nf_conntrack /bin/false\n' }],
  ])
  const applied = await applyHost(plan, LIMITS, TELLING)
  if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
  expect((await there.exec('grep -c ^nf_conntrack /proc/modules')).stdout).toBe('0\n')
  const { transaction } = applied
  expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'rolled-back', fault: null })
  expect(await there.dump()).toBe(before)
  expect(await remains(there)).toBe('')
})
