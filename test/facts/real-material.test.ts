import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { env } from 'node:process'
import { afterAll, describe, expect, type TestContext, test } from 'vitest'
import { conntrack } from '../../src/facts/conntrack.ts'
import { counters } from '../../src/facts/counters.ts'
import { entries } from '../../src/facts/entries.ts'
import { kernelLog } from '../../src/facts/kernel-log.ts'
import { listeners } from '../../src/facts/listeners.ts'
import { modules } from '../../src/facts/modules.ts'
import type { EntrySample, Module } from '../../src/model/facts.ts'
import type { Reading } from '../../src/model/reading.ts'
import { answers, corpusFiles, NO_CORPUS } from './answers.ts'

/** What public hosts printed, in the form in which our probes would print it; every oracle here is a search of the text. */
function material(ctx: TestContext, folder: string, name = /./): readonly (readonly [path: string, text: string])[] {
  const files = corpusFiles(folder)
  if (files === undefined) ctx.skip(NO_CORPUS)
  const found = [...(files ?? [])].filter(([path]) => name.test(path))
  expect(found.length, `files in ${folder}`).toBeGreaterThan(0)
  return found
}

function known<T>(reading: Reading<T>, where: string): T {
  if (!reading.known) throw new Error(`${where}: ${reading.why}`)
  return reading.value
}

describe('listings of entries', () => {
  const sampleOf = (rows: readonly string[]): Reading<EntrySample> => {
    const table = '/proc/net/nf_conntrack'
    const output = `file ${table}\n==> count <==\n${rows.length}\n\n==> ${table} <==\n${rows.join('\n')}\n`
    return entries.parse(answers({ entries: output })).sample
  }
  /** Whole rows of tables, with or without the family, as /proc and `conntrack -L` print them; articles hold other text too. */
  const rowsOf = (text: string) => text.split('\n').filter((line) => /src=.*dst=/.test(line))
  /** Why a row with two addresses is no entry of a table, by its looks. */
  const oddityOf = (row: string) =>
    [
      [/^\s*\[(NEW|UPDATE|DESTROY)\]/, 'an event of conntrack -E'],
      [/src=xxx/, 'redacted addresses'],
      [/^\d+ l3proto/, 'an expectation'],
      [/^(udp|tcp) +src=/, 'an expectation as conntrack -L prints it, without the number of the protocol'],
      [/^\s*(src=|[^\s -~])/, 'half a row, in the text of an article'],
    ].find(([looks]) => (looks as RegExp).test(row))?.[1]

  test('each row is read, or is odd in a way that has a name', (ctx) => {
    for (const [path, text] of material(ctx, '03-conntrack-listings')) {
      for (const row of rowsOf(text)) {
        const where = `${path}: ${row}`
        const oddity = oddityOf(row)
        expect({ where, read: sampleOf([row]).known }).toEqual({ where, read: oddity === undefined })
      }
    }
  })

  const ODD: Readonly<Record<string, number>> = {
    'centos7-redacted-timewait.nf_conntrack': 2,
    'pptp-gre.nf_conntrack_expect': 1,
    'sctp-events.conntrack-E': 3,
    'conntrack.txt': 25,
    'proxy.txt': 8,
  }

  test('a file as a whole has as many unreadable rows as odd ones, and most files have none', (ctx) => {
    for (const [path, text] of material(ctx, '03-conntrack-listings')) {
      const rows = rowsOf(text)
      const odd = rows.filter((row) => oddityOf(row) !== undefined)
      if (rows.length === 0) continue
      expect({ path, odd: odd.length }).toEqual({ path, odd: ODD[basename(path)] ?? 0 })
      const sample = sampleOf(rows)
      if (odd.length === rows.length) {
        expect(sample, path).toMatchObject({ known: false, why: expect.stringMatching(/^the list of entries is not/) })
      } else {
        expect(known(sample, path), path).toMatchObject({
          read: rows.length - odd.length,
          unreadable: odd.length,
          total: rows.length,
        })
      }
    }
  })

  test('ports, protocols, states and sources are as many as a search of the text finds', (ctx) => {
    const STATE = /\b(ESTABLISHED|TIME_WAIT|SYN_SENT|SYN_RECV|FIN_WAIT|CLOSE_WAIT|LAST_ACK|CLOSE|COOKIE_ECHOED)\b/
    for (const [path, text] of material(ctx, '03-conntrack-listings')) {
      const rows = rowsOf(text).filter((row) => oddityOf(row) === undefined)
      if (rows.length === 0) continue
      const sample = known(sampleOf(rows), path)
      const count = (found: (row: string) => string | undefined) => {
        const groups = new Map<string, number>()
        for (const each of rows.flatMap((row) => found(row) ?? [])) groups.set(each, (groups.get(each) ?? 0) + 1)
        return groups
      }
      const protocolOf = (row: string) => {
        const [, name = '', number] = /^\s*(?:ipv[46] +\d+ +)?([a-z]\w*) +(\d+) /.exec(row) ?? []
        return name === 'unknown' ? `protocol ${number}` : name
      }
      // The first dport of a row is that of the original direction.
      const portOf = (row: string) => {
        const port = /^.*?\bdport=(\d+)/.exec(row)?.[1]
        return port && `${protocolOf(row)}/${port}`
      }
      const flagOf = (row: string) => /\[(UNREPLIED|OFFLOAD|ASSURED)\]/.exec(row)?.[1] ?? 'REPLIED'
      for (const [shares, found] of [
        [sample.byDestinationPort, count(portOf)],
        [sample.byProtocol, count(protocolOf)],
        [sample.byState, count((row) => STATE.exec(row)?.[1] ?? flagOf(row))],
      ] as const) {
        expect(shares.length, path).toBe(Math.min(found.size, 10))
        for (const { key, entries: many, share } of shares) {
          expect({ path, key, many }).toEqual({ path, key, many: found.get(key) })
          expect(share).toBeCloseTo(many / rows.length)
        }
      }
      const fours = count((row) => /^.*?\bsrc=([\d.]+) /.exec(row)?.[1])
      for (const { key, entries: many } of sample.bySource) {
        if (!key.includes(':')) expect({ path, key, many }).toEqual({ path, key, many: fours.get(key) })
      }
    }
  })
})

describe('lists of modules', () => {
  const loadedIn = (table: string, where: string): readonly Module[] =>
    known(modules.parse(answers({ modules: `modules\n${table}\nmodules end\n` })).loaded, where)
  const HEADING = /^\s*Module\s+Size\s+Used by/

  /** `name size references [holders]` of lsmod as the kernel's `name size references holders, state address`; 2.4 prints alike. */
  const asProcModules = (lsmod: string) =>
    lsmod
      .split('\n')
      .filter((line) => line.trim() !== '' && !HEADING.test(line))
      .map((line) => {
        const [, name, size, references, holders] = /^\s*(\S+)\s+(\d+)\s+(-?\d+)\s*(\S.*)?$/.exec(line) ?? []
        if (name === undefined || /^(\(|\[(?!permanent))/.test(holders ?? '')) return line
        const closed = holders === undefined ? '-' : holders.trimEnd().replace(/,?$/, ',')
        return `${name} ${size} ${references} ${closed} Live 0x0000000000000000`
      })
      .join('\n')

  test('every line is a module, with its own references and holders', (ctx) => {
    for (const [path, text] of material(ctx, '04-kernel/lsmod', /lsmod/)) {
      const isModules = /proc.modules$/.test(path)
      const lines = text.split('\n').filter((line) => /^\s*[\w-]+\s+\d+\s+-?\d+/.test(line))
      const loaded = loadedIn(isModules ? text : asProcModules(text), path)
      expect(loaded.map(({ name }) => name)).toEqual(lines.map((line) => line.trim().split(/\s+/)[0]))
      for (const [at, { name, references }] of loaded.entries()) {
        const [, , told] = lines[at]?.trim().split(/\s+/) ?? []
        expect({ path, name, references }).toEqual({
          path,
          name,
          references: /^-/.test(told ?? '') ? null : Number(told),
        })
      }
      // Who holds a module is a module itself: words such as autoclean, unused, permanent, Live and addresses are not.
      const names = new Set(loaded.map(({ name }) => name))
      const holders = loaded.flatMap((module) => module.holders)
      expect({ path, strangers: holders.filter((holder) => !names.has(holder) && !/^ipt_/.test(holder)) }).toEqual({
        path,
        strangers: [],
      })
      for (const { name, holders: held } of loaded) expect(held, `${path}: ${name}`).toEqual(heldBy(text, name))
    }
  })

  /** The holders of a module by another road: all after the third column that looks like a name; 2.4 breaks lines in brackets. */
  function heldBy(text: string, name: string): readonly string[] {
    const [, rest = ''] = new RegExp(`^\\s*${name}\\s+\\d+\\s+-?\\d+(.*?\\[[^\\]]*\\]|.*)`, 'm').exec(text) ?? []
    return rest.replace(/\([a-z]+\)|\[permanent\]|\sLive 0x.*/g, ' ').match(/[\w-]{2,}/g) ?? []
  }

  test('one host reads the same from /proc/modules and from lsmod', (ctx) => {
    const files = new Map(material(ctx, '04-kernel/lsmod/canonical__hotsos'))
    const pairs = [...files].filter(([path]) => path.endsWith('/proc/modules'))
    expect(pairs.length).toBeGreaterThan(1)
    for (const [path, table] of pairs) {
      const lsmod = files.get(path.replace(/proc\/modules$/, 'sos_commands/kernel/lsmod')) ?? ''
      const byName = (list: readonly Module[]) =>
        new Map(list.map((module) => [module.name, module.holders.toSorted()]))
      const [proc, listed] = [byName(loadedIn(table, path)), byName(loadedIn(asProcModules(lsmod), path))]
      const both = [...proc.keys()].filter((name) => listed.has(name))
      expect(both.length).toBeGreaterThan(100)
      for (const name of both) expect({ name, holders: listed.get(name) }).toEqual({ name, holders: proc.get(name) })
    }
  })

  test('names are those that another parser reads', (ctx) => {
    for (const [path, text] of material(ctx, '02-vectors/jc', /lsmod\.out$/)) {
      const theirs = JSON.parse(new Map(material(ctx, '02-vectors/jc')).get(path.replace(/out$/, 'json')) ?? '')
      const ours = loadedIn(asProcModules(text), path).map(({ name, references, holders }) => ({
        module: name,
        used: references,
        ...(holders.length === 0 ? {} : { by: holders }),
      }))
      expect(ours).toEqual(theirs.map(({ size: _, ...rest }: { size: number }) => rest))
    }
  })

  test('the module that cannot be unloaded is seen with who holds it', (ctx) => {
    const [[path, text] = ['', '']] = material(ctx, '04-kernel/lsmod', /rhel8-netlink-idle/)
    const loaded = loadedIn(asProcModules(text), path)
    expect(loaded.find(({ name }) => name === 'nf_conntrack')).toEqual({
      name: 'nf_conntrack',
      references: 3,
      holders: ['nf_conntrack_netlink', 'xt_conntrack'],
    })
    expect(loaded.find(({ name }) => name === 'nf_conntrack_netlink')).toMatchObject({ references: 0, holders: [] })
  })
})

describe('settings', () => {
  /** What grep prints of the same keys in /proc/sys. */
  const asProcSys = (sysctl: string) =>
    sysctl
      .split('\n')
      .map((line) => /^(net\.(?:netfilter\.nf_conntrack_\w+|nf_conntrack_max)) = ([\d-].*)$/.exec(line))
      .flatMap((match) => (match === null ? [] : [`/proc/sys/${match[1]?.replaceAll('.', '/')}:${match[2]}`]))

  test('a host that reassembles fragments and tracks nothing is not taken for one that tracks', (ctx) => {
    for (const [path, text] of material(ctx, '04-kernel/sysctl')) {
      const rows = asProcSys(text)
      expect(rows.length, path).toBe(text.match(/^net\.netfilter\.nf_conntrack/gm)?.length)
      const idle = conntrack.parse(answers({ conntrack: `${rows.join('\n')}\nexists /proc/net/dev\nroot\n` }))
      expect(known(idle.generation, path)).toBe('none')
      expect(idle.timeouts).toMatchObject({ known: false, why: expect.stringContaining('no connection tracking') })

      const live = ['/proc/sys/net/netfilter/nf_conntrack_count:3', '/proc/sys/net/netfilter/nf_conntrack_max:64']
      const tracking = conntrack.parse(
        answers({ conntrack: `${[...rows, ...live].join('\n')}\nexists /proc/net/dev\n` }),
      )
      expect(known(tracking.usage, path)).toBe(3 / 64)
      // No entry lives by the time that fragments wait.
      expect(known(tracking.timeouts, path)).toEqual({})
      expect(known(tracking.settings, path)).toEqual({
        frag6_high_thresh: '4194304',
        frag6_low_thresh: '3145728',
        frag6_timeout: '60',
      })
    }
  })
})

describe('what the kernel counts', () => {
  test('counters of a published fixture are hexadecimal sums by the names of the columns', (ctx) => {
    for (const [path, table] of material(ctx, '02-vectors/node_exporter', /stat\/nf_conntrack$/)) {
      const output = `file /proc/net/stat/nf_conntrack\n100.5 20.1\n${table}`
      const { first, drop } = counters.parse(answers({ 'counters-first': output, 'counters-second': output }))
      const [head = '', ...rows] = table.trimEnd().split('\n')
      const sums = head.split(/ +/).map((name, column) => {
        const cells = rows.map((row) => BigInt(`0x${row.split(/ +/)[column]}`))
        return [name, Number(cells.reduce((sum, cell) => sum + cell, 0n))] as const
      })
      expect(known(first, path)).toEqual({ at: 100.5, counters: Object.fromEntries(sums.slice(1)) })
      expect(known(first, path).counters).toMatchObject({ invalid: 0x35, ignore: 89_738, search_restart: 7 })
      expect(known(drop, path)).toBe(0)
    }
  })

  test('listening sockets are those that another parser reads', (ctx) => {
    for (const [path, table] of material(ctx, '02-vectors/jc', /linux-proc\/net_tcp$/)) {
      const theirs: { local_address: string; local_port: number; state: string }[] = JSON.parse(
        new Map(material(ctx, '02-vectors/jc')).get(`${path}.json`) ?? '',
      )
      const listening = table.split('\n').filter((line) => / 0A /.test(line))
      const output = `readable x86_64\nfile tcp\n${listening.join('\n')}\n`
      const ours = known(listeners.parse(answers({ sockets: output })).sockets, path)
      const key = (address: string, port: number) => `${address} ${port}`
      expect(new Set(ours.map(({ address, port }) => key(address, port)))).toEqual(
        new Set(theirs.filter(({ state }) => state === '0A').map((each) => key(each.local_address, each.local_port))),
      )
      expect(ours.length).toBeGreaterThan(0)
    }
  })
})

describe('the kernel log', () => {
  const dir = mkdtempSync(join(tmpdir(), 'ctfleet-log-'))
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  const netns = existsSync('/proc/self/ns/net') ? (/\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0] ?? '') : ''
  const uptime = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])

  /** What the probe itself makes of a log: where it comes from a file, dmesg is refused. */
  function read(from: 'dmesg' | 'file', log: string): { lines: number; newestAgeSeconds: number | null } {
    writeFileSync(join(dir, 'messages'), log)
    writeFileSync(join(dir, 'dmesg'), from === 'dmesg' ? `#!/bin/sh\ncat ${dir}/messages\n` : '#!/bin/sh\nexit 1\n')
    chmodSync(join(dir, 'dmesg'), 0o755)
    const text = kernelLog.probes.map(({ probe }) => probe.text.replaceAll('/var/log/', `${dir}/`)).join('\n')
    const { PATH, TZ } = env
    const output = execFileSync('sh', ['-c', text], {
      encoding: 'utf8',
      env: { PATH: `${dir}:${PATH}`, LC_ALL: 'C', ...(TZ && { TZ }) },
    })
    return known(kernelLog.parse(answers({ 'kernel-log': output })).tableFull, from)
  }
  const PUBLISHED = '04-kernel/dmesg'
  const quietLog = (ctx: TestContext) => material(ctx, PUBLISHED, /syslogs\/dmesg$/)[0]?.[1] ?? ''
  /** Both wordings, out of the kernel's source: of the first namespace, and of another by its inode. */
  const wordings = (ctx: TestContext) =>
    [...(material(ctx, PUBLISHED, /netns-source/)[0]?.[1] ?? '').matchAll(/ratelimited\("(.*)\\n"/g)].map(
      (each) => each[1],
    )

  test('a thousand other lines, near misses among them, are no full table', (ctx) => {
    const others = material(ctx, PUBLISHED, /kernel-monitor|syslogs/).map(([, text]) => text)
    expect(others.join('').split('\n').length).toBeGreaterThan(1000)
    const near =
      '[    7.100000] nf_conntrack: expectation table full\n[    7.200000] neighbour: arp_cache: neighbor table overflow!\n'
    for (const from of ['dmesg', 'file'] as const) {
      expect(read(from, near + others.join('\n'))).toEqual({ lines: 0, newestAgeSeconds: null })
    }
  })

  test('each wording is found between real lines, those of other namespaces are left out, the newest tells the age', (ctx) => {
    ctx.skip(netns === '', 'this machine shows no network namespaces')
    const [first = '', other = ''] = wordings(ctx)
    expect([first, other]).toEqual([expect.stringContaining('table full,'), expect.stringContaining('in netns %u')])
    const now = uptime()
    const at = (age: number, text: string) => `<4>[${(now - age).toFixed(6).padStart(12)}] ${text}`
    const ours = [
      at(now - 1, 'ip_conntrack: table full, dropping packet.'),
      at(9, `nf_conntrack: ${first}`),
      // CONFIG_PRINTK_CALLER
      at(8.5, `[  T417] nf_conntrack: ${first}`),
      at(8, `nf_conntrack: ${other.replace('%u', netns)}`),
    ]
    const theirs = [at(7, other.replace('%u', `${netns}7`)), at(6, other.replace('%u', '4026999999'))]
    const quiet = quietLog(ctx).trimEnd().split('\n')
    const mixed = [...ours, ...theirs].flatMap((line, part) => [...quiet.slice(part * 200, part * 200 + 200), line])
    const found = read('dmesg', `${mixed.join('\n')}\n`)
    expect(found.lines).toBe(4)
    expect(found.newestAgeSeconds).toBeGreaterThanOrEqual(8)
    expect(found.newestAgeSeconds).toBeLessThan(30)
  })

  test('thousands of lines are counted, and the newest tells the age', (ctx) => {
    const [first = ''] = wordings(ctx)
    const now = uptime()
    const storm = Array.from({ length: 5000 }, (_, at) => `[${(now - 5000 + at).toFixed(6)}] nf_conntrack: ${first}`)
    const found = read('dmesg', `${quietLog(ctx)}\n${storm.filter((line) => !line.includes('[-')).join('\n')}\n`)
    expect(found.lines).toBe(storm.filter((line) => !line.includes('[-')).length)
    expect(found.newestAgeSeconds).toBeLessThan(30)
  })

  test('a published line of a log file has a date, and a file that a crash left zeros in still counts', (ctx) => {
    const [[, text] = ['', '']] = material(ctx, PUBLISHED, /conntrack_full\.yaml$/)
    const line =
      text
        .split('\n')
        .find((each) => / kernel: .*table full, dropping/.test(each))
        ?.trim() ?? ''
    expect(line).toMatch(/^Jun {2}8 10:48:13 /)
    for (const zeros of ['', '\0'.repeat(300)]) {
      const found = read('file', `Jun  8 10:00:00 compute4 kernel: up\n${line}\n${zeros}${line}\n`)
      expect(found.lines).toBe(2)
      // Without a year in the line it is the last eighth of June.
      expect(found.newestAgeSeconds).toBeLessThan(367 * 86_400)
    }
  })
})
