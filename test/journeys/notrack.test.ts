import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'
import { knocking, talking, type User } from '../support/talking.ts'

/** A port taken out of tracking and put back, from the command line, while it is in use. */

const able = canRunLab()
const PORT_80 = ['--strategy', 'notrack', '--ports', '80']
const JSON_OUT = ['--format', 'json']

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1', 'legacy-1', 'docker-1', 'gateway-1', 'nft-1', 'both-1', 'open-1'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('nobody who uses the port notices: sessions, new connections, and what a host or those behind it ask of others', async () => {
  const servers = [lab.host('web-1'), lab.host('legacy-1')]
  const gateway = lab.host('gateway-1')
  const elsewhere = lab.host('open-1')
  const only = ['--limit', 'web-1,legacy-1,gateway-1']
  const each = (status: string) => ({ 'web-1': status, 'gateway-1': status, 'legacy-1': status })
  const before = await dumpsOf([...servers, gateway])

  const users: User[] = []
  try {
    for (const server of servers) {
      for (const address of [server.address, server.address6 ?? '']) {
        users.push(await talking(address, 80), knocking(address, 80))
      }
      users.push(asking(server, elsewhere.address), asking(server, elsewhere.address6 ?? ''))
    }
    users.push(asking(gateway, elsewhere.address, 'ip netns exec inside'))
    const everybodyGoesOn = async () => await Promise.all(users.map(async (user) => await user.goOn()))
    await everybodyGoesOn()
    for (const server of servers) expect(await entriesOf(server), server.name).toBeGreaterThan(0)

    const applied = await ctfleet(['apply', ...PORT_80, ...only, '--yes', ...JSON_OUT], env)
    expect(statusesIn(applied)).toEqual(each('applied'))
    expect(applied.code).toBe(0)
    await everybodyGoesOn()
    for (const server of servers) {
      expect(await entriesOf(server), server.name).toBe(0)
      users.push(await talking(server.address, 80))
    }

    const back = await ctfleet(['rollback', 'last', '--yes', ...JSON_OUT], env)
    expect(statusesIn(back)).toEqual(each('rolled-back'))
    expect(back.code).toBe(0)
    await everybodyGoesOn()
    for (const server of servers) expect(await entriesOf(server), server.name).toBeGreaterThan(0)
  } finally {
    for (const user of users) await user[Symbol.asyncDispose]()
  }
  expect(await dumpsOf([...servers, gateway])).toEqual(before)
})

describe('what is refused, and why', () => {
  test.concurrent.each([
    [
      'a port that docker translates, with the rule',
      {
        hosts: ['docker-1'],
        words: ['--strategy', 'notrack', '--ports', '8080'],
        why: /tcp port 8080: .* -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172\.17\.0\.2:80/,
      },
    ],
    [
      "to set the node's max from a namespace",
      {
        hosts: ['web-1', 'legacy-1'],
        words: ['--strategy', 'tune'],
        why: /max belongs to the node that this container or namespace runs on: ask its owner/,
      },
    ],
  ] as const)('%s', async (_title, { hosts, words, why }) => {
    const there = hosts.map((name) => lab.host(name))
    const before = await dumpsOf(there)
    const said = await ctfleet(['apply', ...words, '--limit', hosts.join(), '--yes', ...JSON_OUT], env)
    expect(said.code, said.stderr).toBe(1)
    const results: readonly Blocked[] = JSON.parse(said.stdout).hosts
    expect(results.map(({ host }) => host)).toEqual(hosts)
    for (const result of results) {
      expect(result).toMatchObject({ status: 'blocked', changes: [], why: expect.stringMatching(why) })
      expect(result.considered.map(({ strategy }) => strategy)).toEqual(['unload', 'notrack', 'tune'])
      for (const { verdict, reasons } of result.considered) if (verdict !== 'eligible') expect(reasons).not.toEqual([])
    }
    expect(await dumpsOf(there)).toEqual(before)
  })

  test('a gateway with a full table gets no strategy, and hears why from each', async () => {
    const gateway = lab.host('gateway-1')
    await gateway.fill({ percent: 90 })
    const { code, stdout } = await ctfleet(['plan', '--limit', 'gateway-1'], env)
    await gateway.drain()
    expect(code).toBe(1)
    expect(stdout).toContain('1 host: 1 no-strategy')
    for (const strategy of ['unload', 'notrack', 'tune'])
      expect(stdout).toMatch(new RegExp(`${strategy}, ineligible: .`))
  })
})

describe('a saved plan', () => {
  let web: LabHost
  let before: string
  beforeAll(async () => {
    if (!able.ok) return
    web = lab.host('web-1')
    before = await web.dump()
    const said = await ctfleet(['plan', ...PORT_80, '--limit', 'web-1', '-o', file('plan.json')], env)
    expect(said.code, said.stderr).toBe(0)
    expect(said.stderr).toContain(`Nothing was changed. Next: ctfleet apply ${file('plan.json')}`)
  })

  test('a host that changed since is refused as drifted, and not touched', async () => {
    await web.exec('iptables-nft -I INPUT 1 -s 203.0.113.9 -j DROP')
    const changed = await web.dump()
    const said = await ctfleet(['apply', file('plan.json'), '--yes', ...JSON_OUT], env)
    expect(said.code).toBe(1)
    expect(JSON.parse(said.stdout).hosts).toMatchObject([
      { host: 'web-1', status: 'refused', fault: { code: 'drifted', next: expect.stringContaining('ctfleet plan') } },
    ])
    expect(await web.dump()).toBe(changed)
    await web.exec('iptables-nft -D INPUT 1')
    expect(await web.dump()).toBe(before)
  })

  test('one that was edited is refused before any contact', async () => {
    const text = (await readFile(file('plan.json'), 'utf8')).replaceAll('--dport 80', '--dport 81')
    await writeFile(file('edited.json'), text)
    const { code, stdout, stderr } = await ctfleet(['apply', file('edited.json'), '--yes'], env)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      /edited\.json: .*digest does not match\n {2}make the plan again: ctfleet plan -o plan\.json\n$/,
    )
    expect(await web.dump()).toBe(before)
  })

  test('shows as it was planned, is applied once, and then there is nothing more to change', async () => {
    expect((await stat(file('plan.json'))).mode & 0o777).toBe(0o600)
    const shown = await ctfleet(['show', file('plan.json')], env)
    expect(shown.code).toBe(0)
    expect(shown.stdout).toContain('web-1: planned, notrack')
    expect(shown.stdout).toContain('+ -t raw -A PREROUTING -p tcp')
    const saved = JSON.parse(await readFile(file('plan.json'), 'utf8')).hosts[0].plan

    const applied = await ctfleet(['apply', file('plan.json'), '--yes', ...JSON_OUT], env)
    expect(applied.code, applied.stderr).toBe(0)
    expect(JSON.parse(applied.stdout).hosts).toMatchObject([{ host: 'web-1', status: 'applied', plan: saved.id }])
    const after = await web.dump()

    // One after the other: the old plan locks the host before it sees that it is stale.
    const again = await ctfleet(['plan', ...PORT_80, '--limit', 'web-1', ...JSON_OUT], env)
    const twice = await ctfleet(['apply', ...PORT_80, '--limit', 'web-1', '--yes', ...JSON_OUT], env)
    const stale = await ctfleet(['apply', file('plan.json'), '--yes', ...JSON_OUT], env)
    for (const said of [again, twice]) {
      expect(said.code, said.stderr).toBe(0)
      expect(JSON.parse(said.stdout).hosts).toMatchObject([{ host: 'web-1', status: 'already-right', changes: [] }])
    }
    // The old plan saw another host.
    expect(statusesIn(stale)).toMatchObject({ 'web-1': { code: 'drifted' } })
    expect(await web.dump()).toBe(after)

    const back = await ctfleet(['rollback', 'last', '--yes'], env)
    expect(back.code, back.stdout + back.stderr).toBe(0)
    expect(await web.dump()).toBe(before)
  })
})

type Blocked = {
  readonly host: string
  readonly considered: readonly {
    readonly strategy: string
    readonly verdict: string
    readonly reasons: readonly string[]
  }[]
}

function file(name: string): string {
  return join(dir, name)
}

async function dumpsOf(hosts: readonly LabHost[]): Promise<readonly string[]> {
  return await Promise.all(hosts.map(async (host) => await host.dump()))
}

function statusesIn({ stdout, stderr }: Said): object {
  if (stdout === '') throw new Error(stderr)
  const { hosts } = JSON.parse(stdout) as { hosts: readonly { host: string; status: string; fault: unknown }[] }
  return Object.fromEntries(hosts.map(({ host, status, fault }) => [host, fault === null ? status : fault]))
}

/** Tracked entries towards the host's own port 80, of both families. */
async function entriesOf(host: LabHost): Promise<number> {
  const list = (family: string, address: string | undefined) =>
    `conntrack -L -f ${family} -p tcp --orig-port-dst 80 -d ${address} 2> /dev/null`
  const { stdout } = await host.exec(`{ ${list('ipv4', host.address)}; ${list('ipv6', host.address6)}; } | grep -c ''`)
  return Number(stdout)
}

/** Connections to port 80 of another, one after the other, and one that stays: the host's own, or of one behind it. */
function asking(host: LabHost, address: string, as = ''): User {
  const mark = `/run/asking-${address.replaceAll(':', '_')}`
  const done = host.exec(
    `while [ ! -e ${mark}.stop ]; do echo word; sleep 0.2; done | ${as} busybox nc ${address} 80 > ${mark}.long &
    while [ ! -e ${mark}.stop ]; do
      echo hello | ${as} busybox nc -w 10 ${address} 80 >> ${mark}.heard
      echo >> ${mark}.asked
      sleep 0.2
    done
    wait`,
    { timeoutSeconds: 150 },
  )
  // What was asked is counted before what was heard, so that one under way is not taken for one that went wrong.
  const counts = async () => {
    const { stdout } = await host.exec(
      `for each in asked heard long; do wc -l < ${mark}.$each 2> /dev/null || echo 0; done`,
    )
    const [asked = 0, heard = 0, long = 0] = stdout.split('\n').map(Number)
    return { asked, heard, long }
  }
  return {
    async goOn() {
      const start = await counts()
      const counted = await poll(
        async () => {
          const now = await counts()
          return now.heard < now.asked || (now.asked >= start.asked + 4 && now.long >= start.long + 4) ? now : undefined
        },
        { everyMs: 250, timeoutSeconds: 15 },
      )
      if (counted === undefined || counted.heard < counted.asked)
        throw new Error(`${host.name} asks ${address} in vain: ${JSON.stringify({ start, now: await counts() })}`)
    },
    async [Symbol.asyncDispose]() {
      await host.exec(`touch ${mark}.stop`)
      await done
    },
  }
}
