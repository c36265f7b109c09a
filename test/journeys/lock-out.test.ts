import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { parseJournal } from '../../src/journal/records.ts'
import type { HostResult } from '../../src/model/result.ts'
import { applyHost } from '../../src/run/apply-host.ts'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { planOn, type Wish } from '../support/hand-made-plan.ts'
import { inventoryHost } from '../support/lab-host.ts'
import { edit } from '../support/rules.ts'
import { terms } from '../support/terms.ts'
import { remains } from '../support/trouble.ts'

/** Plans that keep everybody out: each host lets us in again by itself, however its rules are made. */

const able = canRunLab()
const CONFIRM_WITHIN = 6
/** Seconds more until the switch has looked, and all is undone; this machine's cores are shared. */
const UNDO = 10
const KEY = 'ctfleet:test:9'
const OURS = `-m comment --comment ${KEY}`

type LockOut = {
  readonly name: string
  readonly personality: 'legacy' | 'web' | 'native' | 'busybox'
  readonly edits: readonly object[]
  /** `kept-out`: no login is possible any more; `half-made`: the rules that keep us out come, then a change that breaks. */
  readonly how: 'kept-out' | 'half-made'
}

const add = (backend: 'legacy' | 'nft', spec: string, place: object = { before: '-i lo -j ACCEPT' }) =>
  edit({ backend, spec: `${spec} ${OURS} -j DROP`.trim(), key: KEY, ...place })
const raw = { table: 'raw', chain: 'PREROUTING' }
const broken = (backend: 'legacy' | 'nft') =>
  edit({ backend, ...raw, spec: '-m nosuchmatch -j DROP', key: 'ctfleet:test:8' })
const untracked = (backend: 'legacy' | 'nft') =>
  edit({ backend, ...raw, spec: `-p tcp -m tcp --dport 22 ${OURS} -j CT --notrack`, key: KEY })
const native = (table: string, chain: string, spec: string) => ({
  backend: 'native',
  family: 'inet',
  table,
  chain,
  action: 'add',
  spec: `${spec} comment "${KEY}"`,
  key: KEY,
  after: null,
  before: null,
})

const LAST_OF_LEGACY = '-p tcp -m state --state NEW -m tcp --dport 80 -j ACCEPT'
const SSH_OF_LEGACY = '-p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT'
const SSH_OF_WEB = '-p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT'
const withoutSsh = edit({
  action: 'remove',
  spec: SSH_OF_WEB,
  key: 'line',
  after: '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  before: SSH_OF_WEB.replace(' 22 ', ' 80 '),
})

const CASES: readonly LockOut[] = (
  [
    ['legacy', 'the port of SSH is dropped', [add('legacy', '-p tcp -m tcp --dport 22')]],
    [
      'legacy',
      'everything else is dropped, without the accept for SSH',
      [
        edit({
          backend: 'legacy',
          action: 'remove',
          spec: SSH_OF_LEGACY,
          key: 'line',
          after: '-m state --state RELATED,ESTABLISHED -j ACCEPT',
          before: LAST_OF_LEGACY,
        }),
        add('legacy', '', { after: LAST_OF_LEGACY }),
      ],
    ],
    ['legacy', 'all that comes in by the interface is dropped', [add('legacy', '-i eth0')]],
    [
      'legacy',
      'all that goes out by the interface is dropped',
      [add('legacy', '-o eth0', { chain: 'OUTPUT', before: null })],
    ],
    ['legacy', 'the interface is dropped before tracking', [add('legacy', '-i eth0', { ...raw, before: null })]],
    ['legacy', 'a drop, then a broken rule', [add('legacy', '-i eth0'), broken('legacy')]],
    ['web', 'a default drop, without the accept for SSH', [withoutSsh]],
    ['web', 'all that comes in by the interface is dropped', [add('nft', '-i eth0')]],
    [
      'web',
      'all that goes out by the interface is dropped',
      [add('nft', '-o eth0', { chain: 'OUTPUT', before: null })],
    ],
    ['web', 'the interface is dropped before tracking', [add('nft', '-i eth0', { ...raw, before: null })]],
    ['web', 'SSH goes untracked, without an accept for it', [untracked('nft')]],
    ['web', 'a drop, then a broken rule', [add('nft', '-i eth0'), broken('nft')]],
    ['busybox', 'a default drop, without the accept for SSH', [withoutSsh]],
    ['busybox', 'all that comes in by the interface is dropped', [add('nft', '-i eth0')]],
    [
      'native',
      'a default drop, without the accept for SSH',
      [
        {
          ...native('inet filter', 'services', ''),
          action: 'remove',
          spec: 'tcp dport { 22, 80, 443 } accept',
          key: 'line',
        },
      ],
    ],
    ['native', 'all that comes in by the interface is dropped', [native('inet filter', 'input', 'iif "eth0" drop')]],
    ['native', 'all that goes out by the interface is dropped', [native('inet filter', 'output', 'oif "eth0" drop')]],
    ['native', 'the interface is dropped before tracking', [native('inet ctfleet', 'prerouting', 'iif "eth0" drop')]],
    [
      'native',
      'SSH goes untracked, without an accept for it',
      [native('inet ctfleet', 'prerouting', 'tcp dport 22 notrack')],
    ],
  ] as const
).map(([personality, name, edits]) => ({
  personality,
  name,
  edits,
  how: name.includes('broken') ? 'half-made' : 'kept-out',
}))

type Met = {
  readonly result: HostResult
  /** From the last change on, or from the first where there was no last one, until all was undone; by the host's clock. */
  readonly seconds: number
  readonly lockedOut: boolean
}

let lab: Lab
beforeAll(async () => {
  if (able.ok) lab = await startLab({ hosts: CASES.map((each) => hostOf(each)) })
})
afterAll(async () => await lab?.down())
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('whatever keeps us out, each host lets us in again within the time to confirm', async () => {
  const met = await Promise.all(
    CASES.map(async (each) => {
      const there = lab.host(hostOf(each))
      const before = await there.dump()
      const { result, seconds, lockedOut } = await meet(there, each)
      const again = await there.ssh('true', { timeoutSeconds: 20 })
      const same = (await there.dump()) === before && (await remains(there)) === ''
      return { each, result, seconds, lockedOut, reachable: again.code === 0, same }
    }),
  )
  const back = met.filter(({ reachable, seconds }) => reachable && seconds <= CONFIRM_WITHIN + UNDO)
  const slowest = Math.max(...met.map(({ seconds }) => seconds))
  process.stdout.write(
    `lock-outs: ${met.length} on 4 kinds of hosts; ${back.length} let us in again by themselves, the slowest ${slowest} s after its change\n`,
  )
  for (const { each, result, seconds, lockedOut, reachable, same } of met) {
    const told = result.status === 'rolled-back' ? (result.fault?.code ?? '') : JSON.stringify(result).slice(-600)
    expect.soft({ told, lockedOut, reachable, same, late: seconds > CONFIRM_WITHIN + UNDO }, nameOf(each)).toEqual({
      told: each.how === 'half-made' ? 'step-failed' : 'not-confirmed',
      lockedOut: each.how === 'kept-out',
      reachable: true,
      same: true,
      late: false,
    })
  }
  expect(back.length).toBe(CASES.length)
}, 180_000)

/** Applies it as a person would, and watches the host from outside. */
async function meet(there: NamespaceHost, { edits }: LockOut): Promise<Met> {
  const wishes: readonly Wish[] = [
    ['sysctl', { key: 'net.netfilter.nf_conntrack_udp_timeout', value: 17 }],
    ['firewall', { edits }],
  ]
  const host = inventoryHost(lab.dir, there)
  const plan = await planOn(host, wishes)
  const root = `/proc/${await there.pid()}/root/var/lib/ctfleet`
  let transaction = ''
  let journal = ''
  let lockedOut = false
  let over = false
  const watching = (async () => {
    while (!over) {
      // Once it is undone ctfleet comes in again and removes the journal.
      journal = (await readFile(`${root}/${transaction}/journal`, 'utf8').catch(() => '')) || journal
      if (journal.includes(' applied') && !journal.includes(' undoing') && !lockedOut)
        lockedOut = (await there.ssh('true', { timeoutSeconds: 3 })).code !== 0
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  const result = await applyHost(plan, terms(CONFIRM_WITHIN), {
    signal: new AbortController().signal,
    onStage: () => undefined,
    onTransaction: (id) => {
      transaction = id
      return Promise.resolve()
    },
  }).finally(() => {
    over = true
  })
  await watching
  const records = parseJournal(journal)
  const from = records.find(({ word }) => word === 'applied') ?? records.find(({ word }) => word === 'intend')
  const to = records.find(({ word }) => word === 'rolled-back')
  const seconds = from === undefined || to === undefined ? Number.POSITIVE_INFINITY : to.at - from.at
  return { result, seconds, lockedOut }
}

function hostOf({ personality, name }: LockOut): string {
  const alike = CASES.filter((each) => each.personality === personality)
  return `${personality}-${alike.findIndex((each) => each.name === name) + 1}`
}

function nameOf({ personality, name }: LockOut): string {
  return `${personality}: ${name}`
}
