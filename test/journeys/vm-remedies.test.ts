import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunLab, type LabVm, startVm } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { floodPort, isServed } from '../support/flood.ts'

/** A real machine with modules to unload and a limit to raise, whose table is full and dropping while ctfleet works. */

const able = canRunLab()
let dir: string
let vm: LabVm
let env: { readonly [name: string]: string }

beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  vm = await startVm({ dir })
  env = { CTFLEET_INVENTORY: `${dir}/inventory.yaml`, CTFLEET_STATE: join(dir, 'state') }
}, 600_000)

afterAll(async () => {
  await vm?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})

test('facts and plan on a machine where nothing of netfilter is loaded load nothing', async () => {
  const look =
    'cut -d" " -f1,3,4 /proc/modules; cat /proc/net/ip_tables_names 2>&1; ls /sys/module; ls -d /var/lib/ctfleet 2>&1'
  const before = (await vm.exec(look)).stdout
  expect(before).not.toContain('nf_conntrack')
  const facts = await ctfleet(['facts', '--format', 'json'], env)
  expect(facts.code, facts.stderr).toBe(0)
  const plan = await ctfleet(['plan', '--strategy', 'tune'], env)
  expect(plan.code, plan.stderr).toBe(1)
  expect(plan.stdout).toContain('this host tracks no connections')
  expect((await ctfleet(['plan'], env)).code).toBe(0)
  expect((await vm.exec(look)).stdout).toBe(before)
}, 120_000)

const PLAIN = `
iptables -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
iptables -A INPUT -p tcp --dport 22 -j ACCEPT`

const DEFAULT_DROP = `
iptables -A INPUT -i lo -j ACCEPT
iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT
iptables -A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 80 -j ACCEPT
iptables -P INPUT DROP`

// Short-lived entries and few buckets, so that the full table has gaps in which an operator's login gets through.
const SMALL_TABLE = `
echo 512 > /proc/sys/net/netfilter/nf_conntrack_buckets
echo 64 > /proc/sys/net/netfilter/nf_conntrack_max
echo 5 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait
echo 3 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close
echo 3 > /proc/sys/net/netfilter/nf_conntrack_icmp_timeout`

const RESET = `
iptables -P INPUT ACCEPT; iptables -F; iptables -t raw -F
nft flush ruleset
for again in 1 2 3 4; do
  for module in xt_state xt_conntrack xt_CT xt_tcpudp xt_comment xt_addrtype xt_multiport iptable_raw iptable_filter nft_compat \\
    nf_conntrack_netlink nf_conntrack nf_defrag_ipv6 nf_defrag_ipv4 nf_tables ip_tables x_tables nfnetlink; do
    rmmod $module 2> /dev/null
  done
done
:`

describe.each([
  { remedy: 'unload', rules: PLAIN, words: [], flood: pings },
  { remedy: 'tune', rules: DEFAULT_DROP, words: [], flood: pings },
  { remedy: 'notrack', rules: DEFAULT_DROP, words: ['--ports', '80'], flood: connections },
])('$remedy on a machine that drops', ({ remedy, rules, words, flood }) => {
  test('ends the drops, and goes back to exactly what was', { timeout: 420_000, retry: 0 }, async () => {
    await vm.exec(RESET)
    await vm.exec(`set -e\n${rules}\n${SMALL_TABLE}`)
    const before = await vm.dump()
    const flooding = flood()
    try {
      await untilDropping()
      const applied = await untilThrough(['apply', '--strategy', remedy, ...words, '--yes', '--format', 'json'])
      expect(applied.code, `${applied.stdout}\n${applied.stderr}`).toBe(0)
      const first = await drops()
      await new Promise((resolve) => setTimeout(resolve, 4000))
      expect(await drops()).toBe(first)
      for (let connection = 1; connection <= 10; connection += 1) {
        expect(await isServed(vm.forwards[80] ?? 0), `new connection ${connection}`).toBe(true)
      }
      if (remedy === 'unload') expect((await vm.exec('cat /proc/modules')).stdout).not.toContain('nf_conntrack')
    } finally {
      await flooding.stop()
    }
    const again = await ctfleet(['plan', '--strategy', remedy, ...words, '--format', 'json'], env)
    expect(JSON.parse(again.stdout).hosts[0].changes).toEqual([])
    const rolledBack = await ctfleet(['rollback', 'last', '--yes'], env)
    expect(rolledBack.code, `${rolledBack.stdout}\n${rolledBack.stderr}`).toBe(0)
    expect(await vm.dump()).toBe(before)
    if (remedy === 'unload') expect((await vm.exec('cat /proc/modules')).stdout).toContain('nf_conntrack ')
    expect((await vm.exec('ls -d /var/lib/ctfleet; ls /etc/*/*ctfleet*')).stdout).toBe('')
  })
})

function connections(): { stop(): Promise<void> } {
  return floodPort(vm.forwards[80] ?? 0, { perSecond: 14, seconds: 150 })
}

/** Pings to many loopback addresses: the cheapest flows there are, each of its own entry. */
function pings(): { stop(): Promise<void> } {
  const loop = `end=$(($(date +%s) + 150)); i=0
while [ $(date +%s) -lt $end ] && [ ! -e /tmp/stop ]; do
  i=$(((i + 1) % 200)); ping -c 1 -W 1 127.0.1.$i > /dev/null 2>&1 &
  ping -c 1 -W 1 127.0.2.$i > /dev/null 2>&1 &
  ping -c 1 -W 1 127.0.3.$i > /dev/null 2>&1 &
  sleep 0.1
done; wait`
  const running = vm.exec(`rm -f /tmp/stop; ${loop}`, { timeoutSeconds: 200 })
  return {
    async stop() {
      await vm.exec('touch /tmp/stop')
      await running
    },
  }
}

/** The kernel's own count of packets dropped for a full table; a machine that tracks nothing counts none. */
async function drops(): Promise<number> {
  const read = await vm.exec('cat /proc/net/stat/nf_conntrack 2> /dev/null')
  const [header, ...rows] = read.stdout.trim().split('\n')
  const column = (header ?? '').trim().split(/\s+/).indexOf('drop')
  return rows.reduce((sum, row) => sum + Number.parseInt(row.trim().split(/\s+/)[column] ?? '0', 16), 0)
}

async function untilDropping(): Promise<void> {
  for (let tries = 0; tries < 30; tries += 1) {
    const first = await drops()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    if ((await drops()) > first) return
  }
  throw new Error('the table did not fill within 30 s')
}

/** As an operator would: a host whose full table drops our own login is tried again. */
async function untilThrough(words: readonly string[]) {
  for (let tries = 1; ; tries += 1) {
    const said = await ctfleet(words, env)
    if (!said.stdout.includes('unreachable') || tries === 8) return said
  }
}
