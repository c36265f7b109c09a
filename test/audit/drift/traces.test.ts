import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { readTraces, type Traces, traceProbes } from '../../../src/audit/drift/traces.ts'
import { known, type Reading, unknown } from '../../../src/model/reading.ts'
import type { Section } from '../../../src/shell/bundle.ts'

const section = (output: string, truncated = false): Reading<Section> => known({ code: 0, output, truncated })

/** What was read, where one probe printed this and all others nothing. */
function readFrom(name: string, output: string): Traces {
  return readTraces((asked) => section(asked === name ? output : ''))
}

describe('who was started, and when', () => {
  test('a process since the boot and its clock ticks, a unit since its invocation', () => {
    const text = 'btime 1764000000\nprocess dockerd 12345\nunit firewalld 1764000500\n'
    expect(readFrom('started', text).started).toEqual(
      known([
        { name: 'dockerd', at: 1_764_000_123 },
        { name: 'firewalld', at: 1_764_000_500 },
      ]),
    )
  })

  test('without the time of the boot no process has a time, and none is made up', () => {
    expect(readFrom('started', 'process dockerd 12345\n').started).toEqual(known([]))
  })
})

describe('what sudo and the kernel’s audit have on record', () => {
  const acts = (text: string) => {
    const { acts: read } = readFrom('acts', text)
    return read.known ? read.value : []
  }

  test('syslog’s lines without a year, by the host’s own clock and zone', () => {
    const line = 'Nov 26 14:02:03 web-1 sudo: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/sbin/sysctl -w a=1'
    expect(acts(`date 2026-11-26 14:02:13 +0100\n${line}\n`)).toEqual([
      { at: Date.UTC(2026, 10, 26, 13, 2, 3) / 1000, by: 'sudo', who: 'alice', text: '/sbin/sysctl -w a=1' },
    ])
  })

  test('the journal’s, with seconds since the epoch, and a process number', () => {
    const line = '1764000100.123456 web-1 sudo[77]:    bob : PWD=/ ; USER=root ; COMMAND=/usr/sbin/nft flush ruleset'
    expect(acts(`date 2025-11-24 17:00:00 +0000\n${line}\n`)).toEqual([
      { at: 1_764_000_100, by: 'sudo', who: 'bob', text: '/usr/sbin/nft flush ruleset' },
    ])
  })

  test('a line whose time is not understood has none', () => {
    const line = 'Yesterday web-1 sudo: alice : TTY=pts/0 ; COMMAND=/usr/sbin/iptables -F'
    expect(acts(`date 2026-11-26 14:02:13 +0100\n${line}\n`)).toMatchObject([{ at: null, who: 'alice' }])
  })

  test('a change of a table, by its command and who had logged in', () => {
    const line =
      'type=NETFILTER_CFG msg=audit(1764000200.123:45): table=raw:7 family=2 entries=3 op=nft_unregister_rule pid=9 auid=1000 subj=x comm="iptables"'
    expect(acts(line)).toEqual([
      { at: 1_764_000_200, by: 'audit', who: 'iptables', text: 'table raw:7 changed by iptables, login user 1000' },
    ])
  })

  test('lines of another form are passed over', () => {
    expect(acts('sudo: COMMAND=\n\u001b[2Jx sudo: nobody\ntype=NETFILTER_CFG msg=audit(now)\n')).toEqual([])
  })
})

test('chains and tables before the change, of each kind that was kept', () => {
  const text = 'kept nft\nnft table inet firewalld\nnft chain DOCKER\nkept iptables\niptables chain INPUT\n'
  expect(readFrom('before', text).before).toEqual(
    known({ nft: new Set(['inet firewalld', 'DOCKER']), iptables: new Set(['INPUT']) }),
  )
  expect(readFrom('before', '').before).toEqual(known({ nft: null, iptables: null }))
})

describe('a process that calls itself kube-proxy', () => {
  const started = traceProbes('7f3a', { words: [], paths: [] }).find(({ name }) => name === 'started')?.probe.text ?? ''

  /** What the probe tells of one, and of its configuration: a file, or a pipe that nobody writes into. */
  async function told(config: 'file' | 'pipe', uid: number): Promise<readonly string[]> {
    const dir = await mkdtemp(join(tmpdir(), 'ctfleet-kube-proxy-'))
    const path = join(dir, 'config')
    const program = join(dir, 'kube-proxy')
    await writeFile(program, '#!/bin/sh\nread -r line\n', { mode: 0o755 })
    await chmod(dir, 0o755)
    if (config === 'pipe') execFileSync('mkfifo', [path])
    else await writeFile(path, 'maxPerCore: 1\n')
    const running = spawn(program, [`--config=${path}`, '--conntrack-min=5'], {
      uid,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    try {
      await once(running, 'spawn')
      const own = started.replace('/proc/[0-9]*/comm', `/proc/${running.pid}/comm /dev/null`)
      // It is a shell script until the kernel has its name.
      while ((await readFile(`/proc/${running.pid}/comm`, 'utf8')) !== 'kube-proxy\n') await setTimeout(5)
      const { stdout } = await promisify(execFile)('sh', ['-c', own], { timeout: 5000 })
      return stdout.split('\n').filter((line) => /^(?:flag|config) /.test(line))
    } finally {
      running.kill()
      await rm(dir, { recursive: true })
    }
  }

  test.runIf(process.getuid?.() === 0)('is asked for its configuration where it is root’s', async () => {
    expect(await told('file', 0)).toEqual([
      expect.stringMatching(/^flag --config=/),
      'flag --conntrack-min=5',
      'config maxPerCore: 1',
    ])
  })

  test.runIf(process.getuid?.() === 0)('keeps nobody waiting by a pipe', async () => {
    expect(await told('pipe', 0)).toEqual([expect.stringMatching(/^flag --config=/), 'flag --conntrack-min=5'])
  })

  test.runIf(process.getuid?.() === 0)('has no file opened where it is another user’s', async () => {
    expect(await told('file', 65_534)).toEqual([])
  })
})

describe('files that set what is in question', () => {
  const settings =
    traceProbes('7f3a', { words: ['somaxconn'], paths: [] }).find(({ name }) => name === 'settings')?.probe.text ?? ''
  const SETS = 'net.core.somaxconn = 4096'

  /** Which of these files the probe tells of; null: a link to /dev/null. */
  async function tellingFiles(files: { readonly [path: string]: string | null }): Promise<readonly string[]> {
    const root = await mkdtemp(join(tmpdir(), 'ctfleet-masks-'))
    try {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(root + path), { recursive: true })
        if (text === null) await symlink('/dev/null', root + path)
        else await writeFile(root + path, `${text}\n`)
      }
      const there = settings.replaceAll(/(?<![\w}.*"])\/(?=etc|run|usr)/g, `${root}/`)
      const { stdout } = await promisify(execFile)('sh', ['-c', there])
      const { settings: told } = readFrom('settings', stdout.replaceAll(root, ''))
      return told.known ? [...told.value.keys()].toSorted() : []
    } finally {
      await rm(root, { recursive: true })
    }
  }

  test('are all that are read at boot, of every directory', async () => {
    const files = {
      '/etc/modprobe.d/e.conf': 'options nf_conntrack hashsize=1',
      '/etc/sysctl.conf': SETS,
      '/etc/sysctl.d/a.conf': SETS,
      '/etc/ufw/sysctl.conf': SETS,
      '/run/sysctl.d/b.conf': SETS,
      '/usr/lib/sysctl.d/d.conf': SETS,
      '/usr/local/lib/sysctl.d/c.conf': SETS,
    }
    expect(await tellingFiles({ ...files, '/etc/sysctl.d/README': SETS })).toEqual(Object.keys(files))
  })

  test('but none that a file of its name masks: one that sets something else, is empty, or is a link to /dev/null', async () => {
    const masks = { '/etc/sysctl.d/a.conf': 'x = 1', '/run/sysctl.d/b.conf': '', '/etc/sysctl.d/c.conf': null }
    const files = {
      '/run/sysctl.d/a.conf': SETS,
      '/usr/lib/sysctl.d/a.conf': SETS,
      '/usr/lib/sysctl.d/b.conf': SETS,
      '/usr/local/lib/sysctl.d/c.conf': SETS,
      '/usr/local/lib/sysctl.d/d.conf': SETS,
      '/usr/lib/sysctl.d/d.conf': SETS,
    }
    expect(await tellingFiles({ ...files, ...masks })).toEqual(['/usr/local/lib/sysctl.d/d.conf'])
  })
})

test('what was cut, or not answered, is unknown with its cause', () => {
  expect(readTraces(() => section('1 root /etc/x\n', true)).files).toEqual(unknown('it told more than is taken in'))
  expect(readTraces(() => unknown('permission denied')).acts).toEqual(unknown('permission denied'))
  expect(readFrom('applied', '').appliedAt).toEqual(unknown('the journal of the transaction is not there any more'))
})

test.prop([
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom('date ', 'process ', 'config ', '/etc/x:', '1 root /', 'kept nft\nnft chain '),
])('whatever a host prints is read to the end, and bounded', (noise, before) => {
  const traces = readTraces(() => section(`${before}${noise}\n${noise}`))
  for (const reading of Object.values(traces)) expect(typeof reading.known).toBe('boolean')
  if (traces.files.known)
    for (const { path, owner } of traces.files.value) expect(path.length + owner.length).toBeLessThan(345)
  if (traces.acts.known)
    for (const { who, text } of traces.acts.value) expect(who.length + text.length).toBeLessThan(400)
})

test('no history of a shell is read, and nothing is written', () => {
  const text = traceProbes('7f3a', { words: ['nf_conntrack_max'], paths: ["/etc/it's"] })
    .map(({ probe }) => probe.text)
    .join('\n')
  expect(text).not.toMatch(/history/)
  expect(text.replaceAll(/> ?\/dev\/null|>&2|2>&1/g, '')).not.toMatch(/>/)
})
