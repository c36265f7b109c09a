import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { conntrack } from '../../src/facts/conntrack.ts'
import { answers } from './answers.ts'

/** No file shows the parameter enable_hooks, so the kernel's command line has to. */
function settingsOf(line: string): object | string {
  const output = `exists /proc/net/dev\n/proc/sys/net/netfilter/nf_conntrack_max:64\n/proc/sys/net/netfilter/nf_conntrack_acct:0\n${line}`
  const { settings } = conntrack.parse(answers({ conntrack: output }))
  return settings.known ? settings.value : settings.why
}

test('the command line tells, and says nothing where it could not be read', () => {
  expect(settingsOf('enable_hooks 0\n')).toEqual({ acct: '0', enable_hooks: '0' })
  expect(settingsOf('enable_hooks 1\n')).toEqual({ acct: '0', enable_hooks: '1' })
  expect(settingsOf('')).toEqual({ acct: '0' })
  expect(settingsOf('enable_hooks \n')).toEqual({ acct: '0' })
})

test.each([
  ['root=/dev/vda1 ro quiet', '0'],
  ['root=/dev/vda1 nf_conntrack.enable_hooks=1 quiet', '1'],
  ['nf-conntrack.enable-hooks', '1'],
  ['nf_conntrack.hashsize=16384 nf_conntrack_enable_hooks=1', '0'],
])('the probe reads %s', (cmdline, expected) => {
  const directory = mkdtempSync(join(tmpdir(), 'ctfleet-cmdline-'))
  const file = join(directory, 'cmdline')
  writeFileSync(file, `${cmdline}\n`)
  const [asked = ''] = /if \[ -r \/proc\/cmdline \].*?\nfi\n/s.exec(conntrack.probes[0]?.probe.text ?? '') ?? []
  const said = execFileSync('sh', ['-c', asked.replaceAll('/proc/cmdline', file)], { encoding: 'utf8' })
  rmSync(directory, { recursive: true })
  expect(said).toBe(`enable_hooks ${expected}\n`)
})
