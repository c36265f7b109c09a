import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import type { Host } from '../../src/model/host.ts'
import { applyHost } from '../../src/run/apply-host.ts'
import { gatherFacts } from '../../src/run/facts-host.ts'
import { rollbackHost } from '../../src/run/rollback-host.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { planOn, type Wish } from '../support/hand-made-plan.ts'
import { inventoryHost, opened } from '../support/lab-host.ts'
import { talking, type User } from '../support/talking.ts'
import { terms } from '../support/terms.ts'

/** What must never be noticed by those who use the service: a port goes untracked, and is tracked again. */
const able = canRunLab()
const TELLING = { signal: new AbortController().signal, onStage: () => undefined }

let lab: Lab
beforeAll(async () => {
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1', 'web-2'] })
  // What would kill every session that tracking loses sight of.
  for (const tool of ['iptables', 'ip6tables']) {
    const { code, stderr } = await lab.host('web-1').exec(`${tool} -I INPUT 3 -m conntrack --ctstate INVALID -j DROP`)
    if (code !== 0) throw new Error(stderr)
  }
})
afterAll(async () => await lab?.down())
beforeEach((ctx) => {
  if (!able.ok) ctx.skip(able.why)
})

test('with INVALID packets dropped sessions live through notrack and its rollback, entries fall to none, and the host still reaches others', async () => {
  const web = lab.host('web-1')
  const other = lab.host('web-2')
  const host = inventoryHost(lab.dir, web)
  const before = await web.dump()
  const { wishes } = await notrackWishes(host)

  await using talks = await talkingTo([
    { address: web.address, port: 80 },
    { address: web.address6 ?? '', port: 80 },
    { address: web.address, port: 443 },
  ])
  const reach = () => web.exec(`echo hello | busybox nc -w 3 ${other.address} 80`)
  expect((await reach()).stdout).toBe('hello\n')
  expect(await entriesOf(web)).toBeGreaterThan(0)
  // A session of the host's own to that port elsewhere, and one to itself.
  const outward = web.exec(`{ for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 1; done; } | busybox nc ${other.address} 80`)
  const inward = web.exec(`{ for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 1; done; } | busybox nc 127.0.0.1 80`)

  const plan = await planOn(host, wishes, [
    { gate: 'reads-back' },
    { gate: 'ports', ports: [22, 80, 443] },
    { gate: 'drops', mostPerSecond: 0, withinSeconds: 0, beforePerSecond: 0, because: 'entries are deleted at once' },
    { gate: 'invalid', mostPerSecond: 25, withinSeconds: 0, beforePerSecond: 0 },
  ])
  const applied = await applyHost(plan, terms(30), TELLING)
  if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
  await talks.goOn()
  expect(await entriesOf(web)).toBe(0)
  expect((await reach()).stdout).toBe('hello\n')
  expect((await outward).stdout).toBe('1\n2\n3\n4\n5\n6\n7\n8\n')
  expect((await inward).stdout).toBe('1\n2\n3\n4\n5\n6\n7\n8\n')
  await using fresh = await talkingTo([{ address: web.address, port: 80 }])

  const back = await rollbackHost({ plan, transaction: applied.transaction }, TELLING)
  expect(back).toMatchObject({ status: 'rolled-back', fault: null })
  await talks.goOn()
  await fresh.goOn()
  expect((await reach()).stdout).toBe('hello\n')
  expect(await entriesOf(web)).toBeGreaterThan(0)
  expect(await web.dump()).toBe(before)
})

async function notrackWishes(host: Host): Promise<{ readonly wishes: readonly Wish[] }> {
  await using session = await opened(host)
  const read = await gatherFacts(session)
  if ('refused' in read) throw new Error(read.refused.message)
  const { firewall, listeners } = read.facts
  const live = (['ip', 'ip6'] as const).flatMap((family) => {
    const dump = firewall.nft[family]
    const rules = parseRules((dump.known && dump.value) || '', family)
    if (!rules.known) throw new Error(rules.why)
    return [{ backend: 'nft' as const, rules: rules.value }]
  })
  const ports = [80, 443]
  const patch = notrackPatch(
    live,
    ports.map((port) => ({ protocol: 'tcp' as const, port })),
    { families: ['ip', 'ip6'], backend: 'nft' },
  )
  if (!patch.safe) throw new Error(JSON.stringify(patch))
  if (!listeners.addresses.known) throw new Error(listeners.addresses.why)
  const flow = { protocol: 'tcp', ports, addresses: listeners.addresses.value }
  return {
    wishes: [
      ['firewall', { edits: patch.edits, flows: [flow] }],
      ['flush-entries', flow],
    ],
  }
}

/** Tracked entries towards the host's own port 80. */
async function entriesOf(host: LabHost): Promise<number> {
  const { stdout } = await host.exec(
    `conntrack -L -p tcp --orig-port-dst 80 -d ${host.address} 2> /dev/null | grep -c ''`,
  )
  return Number(stdout)
}

/** Connections to an echo service with words on each; `goOn` waits for more answers on all of them. */
async function talkingTo(ends: readonly { readonly address: string; readonly port: number }[]): Promise<User> {
  const talks = await Promise.all(ends.map(async (end) => await talking(end.address, end.port)))
  return {
    async goOn() {
      await Promise.all(talks.map(async (each) => await each.goOn()))
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(talks.map(async (each) => await each[Symbol.asyncDispose]()))
    },
  }
}
