import { execFileSync } from 'node:child_process'
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
  const [probe] = conntrack.probes
  const line = probe?.probe.text.split('\n').find((each) => each.includes('enable_hooks')) ?? ''
  const script = `line() { printf '%s\\n' "${cmdline}"; }\n${line.replace('[ -r /proc/cmdline ]', 'true').replace(/(grep -c .*?) \/proc\/cmdline/, 'line | $1')}`
  expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(`enable_hooks ${expected}\n`)
})
