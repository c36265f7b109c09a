import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { knocking, talking, type User } from '../support/talking.ts'

/** A kernel with everything built in has no module to unload: the last stateful rule goes, and tracking with it. */

const able = canRunLab()
const JSON_OUT = ['--format', 'json']
const ACCEPT = 'INPUT -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['open-1', 'open-2', 'legacy-1', 'web-1', 'gateway-1'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('a full table on a host whose only stateful rule decides nothing: tracking ends, nobody notices, and it comes back', async () => {
  const host = lab.host('open-1')
  await host.exec(`iptables-nft -A ${ACCEPT}; ip6tables-nft -A ${ACCEPT}`)
  const before = await host.dump()
  const users: User[] = []
  try {
    for (const address of [host.address, host.address6 ?? '']) {
      users.push(await talking(address, 80), knocking(address, 80))
    }
    const everybodyGoesOn = async () => await Promise.all(users.map(async (user) => await user.goOn()))
    await everybodyGoesOn()
    await host.fill({ percent: 90 })

    const planned = await onlyHost(['plan', '--limit', 'open-1'])
    expect(planned).toMatchObject({ status: 'planned', strategy: 'unload' })
    expect(planned.changes.map(({ kind }) => kind)).toEqual(['firewall', 'firewall', 'flush-entries'])
    const notes = planned.notes.join('\n')
    expect(notes).toContain('The modules stay: connection tracking is built into this kernel')
    expect(notes).toContain('any stateful rule that comes later, in whatever chain, has all tracked again')

    expect(await onlyHost(['apply', '--limit', 'open-1', '--yes'])).toMatchObject({ status: 'applied' })
    await everybodyGoesOn()
    users.push(await talking(host.address, 80))
    expect(await entriesOf(host)).toBe(0)
    const again = await onlyHost(['plan', '--strategy', 'unload', '--limit', 'open-1'])
    expect(again).toMatchObject({ status: 'already-right', changes: [] })

    expect(await onlyHost(['rollback', 'last', '--yes'])).toMatchObject({ status: 'rolled-back' })
    await everybodyGoesOn()
    expect(await entriesOf(host)).toBeGreaterThan(0)
  } finally {
    for (const user of users) await user[Symbol.asyncDispose]()
  }
  expect(await host.dump()).toBe(before)
})

test('without the conntrack program new flows take no entry, and the old ones are left to run out', async () => {
  const host = lab.host('legacy-1')
  const before = await host.dump()
  await host.fill({ entries: 200 })
  await host.exec('mv /usr/sbin/conntrack /usr/sbin/conntrack.away')
  try {
    const applied = await onlyHost(['apply', '--strategy', 'unload', '--limit', 'legacy-1', '--yes'])
    expect(applied).toMatchObject({ status: 'applied' })
    expect(applied.changes.map(({ kind }) => kind)).not.toContain('flush-entries')
    expect(applied.notes.join('\n')).toContain('Drops end at once all the same')
    const left = await entriesOf(host)
    expect(left).toBeGreaterThanOrEqual(200)
    await using user = knocking(host.address, 80)
    await user.goOn()
    expect(await entriesOf(host)).toBeLessThanOrEqual(left)

    expect(await onlyHost(['rollback', 'last', '--yes'])).toMatchObject({ status: 'rolled-back' })
    expect(await host.dump()).toBe(before)
    await user.goOn()
    expect(await entriesOf(host)).toBeGreaterThan(left)
  } finally {
    await host.exec('mv /usr/sbin/conntrack.away /usr/sbin/conntrack; conntrack -F')
  }
})

test('where something else turns out to track all the same, the host is taken back to what it was', async () => {
  const host = lab.host('open-2')
  await host.exec(`iptables-nft -A ${ACCEPT}`)
  // A program that brings entries back as fast as they go, as one that tracks by itself would.
  await host.exec(`mkdir -p /usr/local/lab; mv /usr/sbin/conntrack /usr/local/lab/conntrack
printf '#!/bin/sh\\n/usr/local/lab/conntrack "$@"\\n${ENTRY}\\n' > /usr/sbin/conntrack; chmod +x /usr/sbin/conntrack`)
  const before = await host.dump()
  const ended = await onlyHost(['apply', '--strategy', 'unload', '--limit', 'open-2', '--yes'], 1)
  expect(ended.status).toBe('rolled-back')
  expect(JSON.stringify(ended.fault)).toContain('something else than rules keeps tracking on')
  expect(await host.dump()).toBe(before)
})

const ENTRY =
  '/usr/local/lab/conntrack -I -p tcp -s 10.9.9.9 -d 10.9.9.8 --sport 1 --dport 2 --state ESTABLISHED -t 99 2> /dev/null'

describe('refused, with what stands in the way', () => {
  test.concurrent.each([
    [
      'a default drop: the rule that lets the answers in',
      'web-1',
      /filter INPUT .*-m conntrack --ctstate .*more rules need/,
    ],
    [
      'address translation: its rule',
      'gateway-1',
      /^unload does not fit: address translation needs tracking.*-j MASQUERADE/,
    ],
  ])('%s', async (_title, name, why) => {
    const host = lab.host(name)
    const before = await host.dump()
    const refused = await onlyHost(['apply', '--strategy', 'unload', '--limit', name, '--yes'], 1)
    expect(refused).toMatchObject({ status: 'blocked', changes: [], why: expect.stringMatching(why) })
    expect(await host.dump()).toBe(before)
  })
})

type Host = {
  readonly status: string
  readonly changes: readonly { readonly kind: string }[]
  readonly notes: readonly string[]
  readonly fault: unknown
}

async function onlyHost(words: readonly string[], code = 0): Promise<Host> {
  const said = await ctfleet([...words, ...JSON_OUT], env)
  expect(said.code, `${said.stdout}\n${said.stderr}`).toBe(code)
  return JSON.parse(said.stdout).hosts[0]
}

async function entriesOf(host: LabHost): Promise<number> {
  return Number((await host.exec('cat /proc/sys/net/netfilter/nf_conntrack_count')).stdout)
}
