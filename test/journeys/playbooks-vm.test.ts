import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunLab, type LabVm, startVm } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'

/** The examples of docs/playbooks.md that want a kernel of their own: a NAT gateway, and a site's own settings. */

const able = canRunLab()
let dir: string
let vm: LabVm
let env: { readonly [name: string]: string }

beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-playbooks-vm-'))
  // Room for a million entries; QEMU takes of it what the guest touches.
  vm = await startVm({ dir, memoryMb: 2048 })
  env = { CTFLEET_INVENTORY: `${dir}/inventory.yaml`, CTFLEET_STATE: join(dir, 'state') }
  const { code, stderr } = await vm.exec(`set -e
echo 1 > /proc/sys/net/ipv4/ip_forward
iptables -t nat -A POSTROUTING -s 198.18.0.0/16 -j MASQUERADE
iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`)
  if (code !== 0) throw new Error(stderr)
}, 600_000)
afterAll(async () => {
  await vm?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})

const SETTINGS = '/proc/sys/net'
const examples = [
  {
    name: 'nat-gateway',
    set: {
      'netfilter/nf_conntrack_max': '1048576',
      'netfilter/nf_conntrack_buckets': '1048576',
      'netfilter/nf_conntrack_tcp_timeout_established': '7440',
    },
    // Its gate waits for up to two minutes.
    words: ['--confirm-within', '3m'],
    files: [
      '/etc/sysctl.d/90-nat-gateway.conf',
      '/etc/modules-load.d/nat-gateway.conf',
      '/etc/modprobe.d/nat-gateway.conf',
    ],
  },
  {
    name: 'site-baseline',
    set: {
      'core/somaxconn': '2048',
      'ipv4/tcp_max_syn_backlog': '2048',
      'netfilter/nf_conntrack_tcp_timeout_time_wait': '60',
    },
    words: [],
    files: ['/etc/sysctl.d/60-site-baseline.conf', '/etc/modules-load.d/site-baseline.conf'],
  },
]

describe.each(examples)('$name', ({ name, set, words, files }) => {
  test('is planned, applied, nothing the second time, and taken back to exactly what was', {
    timeout: 420_000,
  }, async () => {
    const wish = ['--strategy', resolve(`docs/examples/${name}.yaml`), '--format', 'json']
    const before = await vm.dump()
    const settingsBefore = await settings(Object.keys(set))
    const planned = await status(['plan', ...wish])
    expect(planned.status, planned.text).toBe('planned')
    expect(await vm.dump()).toBe(before)

    const applied = await status(['apply', ...wish, ...words, '--yes'])
    expect(applied.status, applied.text).toBe('applied')
    expect(await settings(Object.keys(set))).toEqual(set)
    const kept = await vm.exec(['cat', ...files])
    expect(kept.code, kept.stderr).toBe(0)
    // What is loaded at boot says the same as what is in force.
    for (const [, key = '', value = ''] of kept.stdout.matchAll(/^(net\.\S+) = (\d+)$/gm))
      expect(set).toMatchObject({ [key.replace('net.', '').replace('.', '/')]: value })

    expect((await status(['apply', ...wish, ...words, '--yes'])).status).toBe('already-right')
    const back = await status(['rollback', 'last', '--yes', '--format', 'json'])
    expect(back.status, back.text).toBe('rolled-back')
    expect(await settings(Object.keys(set))).toEqual(settingsBefore)
    expect(await vm.dump()).toBe(before)
    expect((await vm.exec(`ls ${files.join(' ')} 2> /dev/null`)).stdout).toBe('')
  })
})

async function settings(names: readonly string[]): Promise<{ readonly [name: string]: string }> {
  const read = names.map(async (name) => [name, (await vm.exec(['cat', `${SETTINGS}/${name}`])).stdout.trim()] as const)
  return Object.fromEntries(await Promise.all(read))
}

async function status(words: readonly string[]): Promise<{ readonly status: string; readonly text: string }> {
  const { code, stdout, stderr } = await ctfleet(words, env)
  if (stdout === '') throw new Error(`ctfleet ${words.join(' ')} ended with ${code}:\n${stderr}`)
  return { status: JSON.parse(stdout).hosts[0].status, text: `${stdout}${stderr}` }
}
