import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { persistence } from '../../src/facts/persistence.ts'
import { answers } from './answers.ts'

test.each([
  ['/etc/sysconfig/iptables-config:IPTABLES_MODULES="ip_conntrack_ftp"', true, false],
  ['/etc/sysconfig/ip6tables-config:IP6TABLES_MODULES="nf_conntrack_ftp"', false, true],
  ['/etc/sysconfig/ip6tables-config:IP6TABLES_MODULES=""', false, false],
  ['/etc/sysconfig/iptables-config:IPTABLES_MODULES_UNLOAD="yes"', false, false],
])('%s', (line, ip, ip6) => {
  expect(persistence.parse(answers({ persistence: `${line}\n` }))).toMatchObject({
    iptablesModules: { known: true, value: ip },
    ip6tablesModules: { known: true, value: ip6 },
  })
})

test('a setting that saves rules counts but where its service is idle', () => {
  const told = ['/etc/conf.d/iptables:SAVE_ON_STOP="yes"', '/etc/conf.d/nftables:SAVE_ON_STOP="YES"'].join('\n')
  const savedBy = (output: string) => persistence.parse(answers({ persistence: output })).savesOnStop
  expect(savedBy(`${told}\n`)).toEqual({ known: true, value: ['SAVE_ON_STOP="yes"', 'SAVE_ON_STOP="YES"'] })
  expect(savedBy(`idle /etc/conf.d/iptables\n${told}\n`)).toEqual({ known: true, value: ['SAVE_ON_STOP="YES"'] })
})

describe('of files of one name only the first directory’s counts', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'ctfleet-masks-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  /** Files that set conntrack, by the whole probe over these files; null: a link to /dev/null. */
  function filesOf(files: { readonly [path: string]: string | null }): readonly string[] {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(root + path), { recursive: true })
      if (text === null) symlinkSync('/dev/null', root + path)
      else writeFileSync(root + path, `${text}\n`)
    }
    const probe = persistence.probes[0]?.probe.text ?? ''
    const there = probe.replaceAll(/(?<![\w}.*])\/(?=etc|run|usr|lib)/g, `${root}/`)
    const said = execFileSync('sh', ['-c', `enabled() { false; }\n${there}`], { encoding: 'utf8' })
    const { files: read } = persistence.parse(answers({ persistence: said.replaceAll(root, '') }))
    if (!read.known) throw new Error(read.why)
    return read.value.map(({ path }) => path)
  }
  const MAX = 'net.netfilter.nf_conntrack_max = 65536'

  test('by the whole name, in the order of systemd', () => {
    const one = { '/etc/sysctl.d/50-x.conf': MAX, '/run/sysctl.d/50-x.conf': MAX, '/usr/lib/sysctl.d/50-x.conf': MAX }
    expect(filesOf({ ...one, '/run/sysctl.d/60-y.conf': MAX, '/usr/local/lib/sysctl.d/60-y.conf': MAX })).toEqual([
      '/etc/sysctl.d/50-x.conf',
      '/run/sysctl.d/60-y.conf',
    ])
  })

  test('also where that one is empty, is a link to /dev/null, or sets something else', () => {
    const files = {
      '/usr/lib/sysctl.d/10-a.conf': MAX,
      '/usr/lib/sysctl.d/20-b.conf': MAX,
      '/lib/sysctl.d/30-c.conf': MAX,
      '/usr/lib/sysctl.d/40-d.conf': MAX,
    }
    const masks = { '/etc/sysctl.d/10-a.conf': '', '/run/sysctl.d/20-b.conf': null, '/etc/sysctl.d/30-c.conf': 'a = 1' }
    expect(filesOf({ ...files, ...masks })).toEqual(['/usr/lib/sysctl.d/40-d.conf'])
  })

  test('for modules and their options as for settings, and for each of the three by itself', () => {
    const options = 'options nf_conntrack hashsize=65536'
    const files = {
      '/etc/modprobe.d/c.conf': options,
      '/usr/lib/modprobe.d/c.conf': options,
      '/usr/local/lib/modprobe.d/d.conf': options,
      '/etc/modules-load.d/e.conf': null,
      '/usr/lib/modules-load.d/e.conf': 'nf_conntrack',
      '/usr/lib/modules-load.d/c.conf': 'nf_conntrack',
    }
    expect(filesOf(files)).toEqual([
      '/etc/modprobe.d/c.conf',
      '/usr/local/lib/modprobe.d/d.conf',
      '/usr/lib/modules-load.d/c.conf',
    ])
  })
})
