import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, getuid, pid } from 'node:process'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { factsScript, parseFacts } from '../../src/facts/catalog.ts'
import type { Facts } from '../../src/model/facts.ts'

const NETNS = `ctfleet-facts-${pid}`
const IP = 'ip'
const NONCE = 'f1r5t'
/** All that a host must have; everything else is asked for before it is used. */
const TOOLBOX = 'cat grep sed head mkdir mv rm printf date dd sleep kill uname id cksum'.split(' ')
const SHELLS = {
  dash: ['dash'],
  bash: ['bash', '--posix'],
  busybox: ['busybox', 'sh'],
} as const
type Shell = keyof typeof SHELLS

const dir = mkdtempSync(join(tmpdir(), 'ctfleet-facts-'))
const script = join(dir, 'facts.sh')
let namespace = false

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const inside = (...argv: string[]) => execFileSync(IP, ['netns', 'exec', NETNS, ...argv], { encoding: 'utf8' })

beforeAll(() => {
  chmodSync(dir, 0o755)
  writeFileSync(script, factsScript.text)
  for (const name of ['toolbox', 'applets']) {
    mkdirSync(join(dir, name))
    for (const tool of TOOLBOX) {
      const program = name === 'applets' ? 'busybox' : tool
      const path = ['/usr/bin', '/bin'].map((folder) => join(folder, program)).find(existsSync)
      if (path) symlinkSync(path, join(dir, name, tool))
    }
  }
  if (getuid?.() !== 0 || !has('ip') || spawnSync(IP, ['netns', 'add', NETNS]).status !== 0) return
  namespace = true
  inside('ip', 'link', 'set', 'lo', 'up')
})

afterAll(() => {
  if (namespace) spawnSync(IP, ['netns', 'del', NETNS])
  rmSync(dir, { recursive: true, force: true })
})

function facts(shell: Shell, how: { path?: string; user?: boolean; connection?: string } = {}): Facts {
  const path =
    how.path === undefined ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' : join(dir, how.path)
  const [program, ...options] = SHELLS[shell]
  const real = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
  const as = how.user ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  const set = ['env', '-i', `PATH=${path}`, 'LC_ALL=C', `ssh_connection=${how.connection ?? ''}`]
  const output = inside(...as, ...set, real, ...options, script, NONCE, '0')
  return parseFacts(output, NONCE)
}

/** Facts without what the clock, the memory or other processes of this machine change between two readings. */
function steady({ memory, counters, listeners, system, managers: _, kernelLog: __, ...rest }: Facts): unknown {
  const columns = (sample: Facts['counters']['first']) =>
    sample.known ? Object.keys(sample.value.counters) : sample.why
  const { uptime: ___, ...lasting } = system
  return {
    ...rest,
    system: lasting,
    memory: memory.total,
    columns: [columns(counters.first), columns(counters.second)],
    listeners,
  }
}

function needs(ctx: TestContext, ...shells: Shell[]): void {
  ctx.skip(!namespace, 'needs root and ip, for a network namespace')
  for (const shell of shells) ctx.skip(!has(SHELLS[shell][0]), `no ${shell} on this machine`)
}

test('the toolbox alone in PATH is enough for what the kernel shows', (ctx) => {
  needs(ctx, 'dash')
  const { conntrack, counters, system, firewall, listeners, memory, modules } = facts('dash', { path: 'toolbox' })
  for (const reading of [system.hostname, system.kernel, system.bootId, system.uptime, system.cpus, memory.available]) {
    expect(reading.known).toBe(true)
  }
  expect(conntrack.max.known).toBe(existsSync('/proc/sys/net/netfilter/nf_conntrack_max'))
  expect(counters.seconds.known).toBe(existsSync('/proc/net/stat/nf_conntrack'))
  expect(conntrack.tool).toEqual({ known: true, value: false })
  expect(firewall.tools).toEqual({
    known: true,
    value: { legacy: null, nft: null, defaultBackend: null, native: false },
  })
  expect(listeners.addresses).toEqual({ known: true, value: ['127.0.0.1', '::1'] })
  expect(modules.loadable.known).toBe(true)
  expect(system.netns.known).toBe(false)
})

test('dash, bash and busybox read the same', (ctx) => {
  needs(ctx, 'dash', 'bash', 'busybox')
  const [first, ...others] = (['dash', 'bash', 'busybox'] as const).map((shell) => steady(facts(shell)))
  for (const other of others) expect(other).toEqual(first)
})

test('the tools of busybox read the same as GNU ones', (ctx) => {
  needs(ctx, 'dash', 'busybox')
  const withoutFirewall = ({ firewall: _, conntrack, ...rest }: Facts) => {
    const { tool: __, ...read } = conntrack
    return [steady({ ...rest, conntrack: read } as Facts)]
  }
  // busybox sh has its tools built in, so nothing but netfilter's own is missing.
  expect(withoutFirewall(facts('busybox', { path: 'applets' }))).toEqual(withoutFirewall(facts('dash')))
})

test('a namespace of its own: max and buckets are not ours to write', (ctx) => {
  needs(ctx, 'dash', 'bash', 'busybox')
  ctx.skip(!existsSync('/proc/sys/net/netfilter/nf_conntrack_max'), 'no connection tracking in this kernel')
  for (const shell of ['dash', 'bash', 'busybox'] as const) {
    expect(facts(shell).conntrack).toMatchObject({ maxWritable: { value: false }, bucketsWritable: { value: false } })
  }
})

test('a login user gets what needs no root, and causes for the rest', (ctx) => {
  needs(ctx, 'dash')
  ctx.skip(!has('setpriv'), 'no setpriv on this machine')
  ctx.skip(!existsSync('/proc/net/stat/nf_conntrack'), 'no connection tracking in this kernel')
  const { conntrack, counters, entries, firewall, privilege } = facts('dash', {
    user: true,
    connection: '192.0.2.1 40000 192.0.2.2 2200',
  })
  expect(privilege).toEqual({
    user: { known: true, value: 'nobody' },
    root: { known: true, value: false },
    sshPort: { known: true, value: 2200 },
  })
  expect(conntrack.count).toEqual({ known: true, value: 0 })
  expect(counters.drop).toEqual({ known: true, value: 0 })
  expect(entries.sample).toMatchObject({ known: false })
  expect(conntrack.maxWritable).toMatchObject({ known: false })
  expect(firewall.nftRuleset).toMatchObject({ known: false })
  expect(firewall.rawTable).toMatchObject({ known: false })
})

test('reading leaves tables, rules, hooks and modules as they were', (ctx) => {
  needs(ctx, 'dash')
  ctx.skip(!has('nft') || !has('iptables-legacy-save'), 'no nft or no iptables-legacy on this machine')
  const look = () =>
    inside(
      'sh',
      '-c',
      `for f in /proc/net/ip_tables_names /proc/net/ip6_tables_names /proc/modules; do echo $f; cat $f; done 2>&1
      nft list ruleset; grep -s '' /proc/sys/net/netfilter/* | grep -v _count
      ls /proc/net /proc/sys/net/netfilter /sys/module; cat /proc/net/nf_conntrack`,
    )
  const bare = look()
  facts('dash')
  expect(look()).toBe(bare)
  expect(facts('dash').firewall).toMatchObject({ legacy: { ip: { value: null } }, nft: { ip: { value: null } } })

  inside(
    'nft',
    'add table ip6 filter; add table inet mine; add chain inet mine c { type filter hook input priority 0; }',
  )
  inside(
    'iptables-legacy',
    '-t',
    'mangle',
    '-A',
    'INPUT',
    '-p',
    'tcp',
    '-m',
    'comment',
    '--comment',
    'a "b" $(c)',
    '-j',
    'ACCEPT',
  )
  const ruled = look()
  const { firewall } = facts('dash')
  expect(look()).toBe(ruled)
  expect(firewall.legacy.ip).toMatchObject({ known: true, value: expect.stringContaining('*mangle\n') })
  expect(firewall.legacy.ip6).toEqual({ known: true, value: null })
  expect(firewall.nftRuleset).toMatchObject({ known: true, value: expect.stringContaining('"mine"') })
})

test('no program runs that could load something', (ctx) => {
  needs(ctx, 'dash')
  ctx.skip(!has('strace'), 'no strace on this machine')
  const trace = join(dir, 'trace')
  const command = ['strace', '-f', '-qq', '-o', trace, '-e', 'trace=execve', 'dash', script, NONCE, '0']
  inside('env', `PATH=${env.PATH}`, 'LC_ALL=C', ...command)
  const programs = execFileSync('sed', ['-n', 's/.*execve("\\([^"]*\\)".* = 0$/\\1/p', trace], { encoding: 'utf8' })
  const names = new Set(programs.split('\n').map((path) => path.replace(/.*\//, '')))
  const reading = ['ls', 'dmesg', 'readlink', 'tail', 'nft', 'iptables-nft-save', 'ip6tables-nft-save']
  // Started by the test above only where a legacy table is there: it lists what exists and no more.
  const allowed = [...TOOLBOX, ...reading, 'iptables-legacy-save', 'renice', 'dash', '']
  expect([...names].filter((name) => !allowed.includes(name))).toEqual([])
})
