import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'

/** Two routers, of iptables and of nft's own rules, stop tracking what they pass on to port 443, and take it back. */

const able = canRunLab()
const FORWARDED = ['--strategy', 'notrack', '--ports', '443@forward']
const ONLY = ['--limit', 'web-1,nft-1']
const JSON_OUT = ['--format', 'json']
const CLIENT = { ip: '198.19.252.2', ip6: 'fd00:198:18:fc::2' }
const SERVER = { ip: '198.19.253.2', ip6: 'fd00:198:18:fd::2' }

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }
let routers: readonly LabHost[]

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1', 'nft-1'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  routers = ['web-1', 'nft-1'].map((name) => lab.host(name))
  await Promise.all(routers.map(async (router) => await done(router, NETWORKS)))
  await done(lab.host('web-1'), IPTABLES)
  await done(lab.host('nft-1'), NFT)
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('who goes through the router to the port notices nothing, and nobody else gets further than before', async () => {
  const before = await dumps()
  const sessions = new Map<string, readonly Session[]>()
  for (const router of routers) sessions.set(router.name, [await session(router, 'ip'), await session(router, 'ip6')])
  const everySessionGoesOn = async () => {
    await Promise.all([...sessions.values()].flat().map(async (each) => await each.goesOn()))
  }
  await everybody(reach)
  await everySessionGoesOn()
  for (const router of routers) expect(await entries(router), router.name).toBeGreaterThan(0)

  const applied = await ctfleet(['apply', ...FORWARDED, ...ONLY, '--yes', '--accept-session-loss', ...JSON_OUT], env)
  expect(statuses(applied)).toEqual({ 'web-1': 'applied', 'nft-1': 'applied' })
  await everySessionGoesOn()
  // The old entries are left to run out: whoever does not want to wait names the server, and nobody is cut off.
  for (const router of routers) {
    for (const [family, address] of [
      ['ipv4', SERVER.ip],
      ['ipv6', SERVER.ip6],
    ]) {
      await router.exec(`conntrack -D -f ${family} -p tcp --orig-port-dst 443 -d ${address}`)
    }
  }
  await everySessionGoesOn()
  await everybody(reach)
  for (const router of routers) {
    expect(await entries(router), router.name).toBe(0)
    // What the router itself asks of that port is tracked as ever.
    const own = await router.exec(
      'grep -c "src=198.19.253.1 dst=198.19.253.2 sport=[0-9]* dport=443 " /proc/net/nf_conntrack',
    )
    expect(Number(own.stdout), router.name).toBeGreaterThan(0)
    sessions.set(router.name, [...(sessions.get(router.name) ?? []), await session(router, 'ip')])
  }
  const again = await ctfleet(['plan', ...FORWARDED, ...ONLY, ...JSON_OUT], env)
  expect(statuses(again)).toEqual({ 'web-1': 'already-right', 'nft-1': 'already-right' })

  const back = await ctfleet(['rollback', 'last', '--yes', ...JSON_OUT], env)
  expect(statuses(back)).toEqual({ 'web-1': 'rolled-back', 'nft-1': 'rolled-back' })
  await everySessionGoesOn()
  await everybody(reach)
  for (const each of [...sessions.values()].flat()) await each.end()
  for (const router of routers) expect(await entries(router), router.name).toBeGreaterThan(0)
  expect(await dumps()).toEqual(before)
})

test('a host that forwards nothing is told so, and a port that it only forwards to is not taken for its own', async () => {
  const there = lab.host('web-1')
  await done(there, 'sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0')
  const said = await ctfleet(['plan', ...FORWARDED, '--limit', 'web-1', ...JSON_OUT], env)
  await done(there, 'sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1')
  expect(JSON.parse(said.stdout).hosts).toMatchObject([
    { status: 'blocked', why: expect.stringContaining('this host does not forward') },
  ])
  const plan = await ctfleet(['plan', ...FORWARDED, '--limit', 'web-1'], env)
  expect(plan.stdout).toContain('-t raw -A PREROUTING -p tcp -m addrtype ! --dst-type LOCAL -m tcp --sport 443')
  expect(plan.stdout).toMatch(/entries that are there already are not deleted, and run out by\s+themselves/)
  expect(plan.stdout).not.toContain('delete the entries')
})

/** Ports 443 and 8080 answer on both sides; the server's 443 alone is let through, and from the client's side alone. */
async function reach(router: LabHost): Promise<void> {
  const found = {
    through: await answers(router, 'client', SERVER.ip, 443),
    through6: await answers(router, 'client', SERVER.ip6, 443),
    closed: await answers(router, 'client', SERVER.ip, 8080),
    inward: await answers(router, 'server', CLIENT.ip, 443),
    inward6: await answers(router, 'server', CLIENT.ip6, 443),
    fromThePort: await answers(router, 'server', CLIENT.ip, 8080, 443),
    itself: await answers(router, '', SERVER.ip, 443),
  }
  expect(found, router.name).toEqual({
    through: true,
    through6: true,
    closed: false,
    inward: false,
    inward6: false,
    fromThePort: false,
    itself: true,
  })
}

async function everybody(ask: (router: LabHost) => Promise<void>): Promise<void> {
  await Promise.all(routers.map(ask))
}

/** One short connection, from a namespace behind the router or, without one, from the router itself. */
async function answers(router: LabHost, from: string, to: string, port: number, ownPort?: number): Promise<boolean> {
  const as = from === '' ? '' : `ip netns exec ${from}`
  const own = ownPort === undefined ? '' : `-p ${ownPort}`
  const { stdout } = await router.exec(`(echo hello; sleep 0.3) | timeout 2 ${as} busybox nc ${own} ${to} ${port}`)
  return stdout === 'hello\n'
}

type Session = { readonly goesOn: () => Promise<void>; readonly end: () => Promise<void> }

let named = 0

/** A connection from the client to the server with a word on it again and again, as long as it lasts. */
async function session(router: LabHost, family: 'ip' | 'ip6'): Promise<Session> {
  named += 1
  const mark = `/run/session-${named}`
  await done(
    router,
    `(while [ ! -e ${mark}.stop ]; do echo word; sleep 0.2; done |
      ip netns exec client busybox nc ${SERVER[family]} 443 > ${mark}) > /dev/null 2>&1 < /dev/null &`,
  )
  const heard = async () => Number((await router.exec(`grep -c '' ${mark}`)).stdout)
  return {
    async goesOn() {
      const start = await heard()
      const more = async () => ((await heard()) >= start + 4 ? true : undefined)
      const on = await poll(more, { everyMs: 200, timeoutSeconds: 15 })
      if (on === undefined)
        throw new Error(`a session through ${router.name} over ${family} broke after ${start} words`)
    },
    async end() {
      await router.exec(`touch ${mark}.stop`)
    },
  }
}

/** Entries of forwarded flows to port 443. */
async function entries(router: LabHost): Promise<number> {
  const { stdout } = await router.exec(
    'grep -c -E "src=(198.19.252.2|fd00:0198:0018:00fc:.*) .* dport=443 " /proc/net/nf_conntrack',
  )
  return Number(stdout)
}

async function dumps(): Promise<readonly string[]> {
  return await Promise.all(routers.map(async (router) => await router.dump()))
}

async function done(host: LabHost, script: string): Promise<void> {
  const { code, stderr } = await host.exec(script)
  if (code !== 0) throw new Error(`${host.name}: ${stderr}`)
}

function statuses({ stdout, stderr }: Said): object {
  if (stdout === '') throw new Error(stderr)
  const { hosts } = JSON.parse(stdout) as {
    hosts: readonly { host: string; status: string; fault?: unknown; why?: string }[]
  }
  return Object.fromEntries(hosts.map(({ host, status, fault, why }) => [host, fault ?? why ?? status]))
}

const side = (name: string, link: string, net: string, net6: string) => `
ip netns add ${name}
ip link add ${link} type veth peer name eth0 netns ${name}
ip addr add ${net}.1/24 dev ${link}
ip addr add ${net6}::1/64 dev ${link} nodad
ip link set ${link} up
ip -n ${name} link set lo up
ip -n ${name} addr add ${net}.2/24 dev eth0
ip -n ${name} addr add ${net6}::2/64 dev eth0 nodad
ip -n ${name} link set eth0 up
ip -n ${name} route add default via ${net}.1
ip -n ${name} -6 route add default via ${net6}::1
for port in 443 8080; do
  ip netns exec ${name} setsid busybox nc -ll -p $port -e cat > /dev/null 2>&1 < /dev/null &
done
`

const NETWORKS = `set -e
${side('client', 'lan0', '198.19.252', 'fd00:198:18:fc')}
${side('server', 'wan0', '198.19.253', 'fd00:198:18:fd')}
sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
`

const IPTABLES = `set -e
for iptables in iptables ip6tables; do
  $iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  $iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
  $iptables -A FORWARD -i lan0 -o wan0 -p tcp -m conntrack --ctstate NEW -m tcp --dport 443 -j ACCEPT
done
`

const NFT = `nft -f - <<'RULES'
add rule inet filter forward ct state established,related accept
add rule inet filter forward ct state invalid drop
add rule inet filter forward iifname "lan0" oifname "wan0" ct state new tcp dport 443 accept
RULES
`
