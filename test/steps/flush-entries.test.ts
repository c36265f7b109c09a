import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { flushEntries } from '../../src/steps/flush-entries.ts'

const FLOW = { protocol: 'tcp', ports: [80], addresses: ['192.0.2.1'] } as const
const entry = (port: number) =>
  `tcp      6 431999 ESTABLISHED src=192.0.2.9 dst=192.0.2.1 sport=4000 dport=${port} src=192.0.2.1 dst=192.0.2.9 sport=${port} dport=4000 [ASSURED] use=1\n`

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-flush-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** What the probe finds where the kernel's listings are these, by name. */
function entries(
  listings: Readonly<Record<string, string>>,
  want: Parameters<typeof flushEntries.probe>[0] = FLOW,
): string {
  const at = fresh(listings)
  const script = flushEntries.probe(want).text.replaceAll('/proc/sys/net', at).replaceAll('/proc/net', at)
  const reading = flushEntries.read(execFileSync('sh', ['-c', script], { encoding: 'utf8' }), want)
  return reading.known ? reading.value.entries : reading.why
}

function fresh(files: Readonly<Record<string, string>>): string {
  rmSync(dir, { recursive: true, force: true })
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-flush-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return dir
}

test('either generation lists the entries', () => {
  expect(entries({ nf_conntrack: `ipv4     2 ${entry(80)}` })).toBe('some')
  expect(entries({ nf_conntrack: `ipv4     2 ${entry(443)}` })).toBe('none')
  expect(entries({ ip_conntrack: entry(80) })).toBe('some')
  expect(entries({ ip_conntrack: entry(443) })).toBe('none')
})

test('of a whole table the count tells, of either generation', () => {
  const table = (files: Readonly<Record<string, string>>) => entries(files, { all: true })
  expect(table({ 'netfilter/nf_conntrack_count': '0\n' })).toBe('none')
  expect(table({ 'netfilter/nf_conntrack_count': '17\n' })).toBe('some')
  expect(table({ 'ipv4/netfilter/ip_conntrack_count': '0\n' })).toBe('none')
  expect(table({ 'ipv4/netfilter/ip_conntrack_count': '1\n' })).toBe('some')
  expect(table({})).toBe('some')
})

describe('deleting a whole table', () => {
  // The program empties the table; what comes back after that is up to the case.
  const run = (after: string) => {
    const tools = fresh({ 'netfilter/nf_conntrack_count': '9\n' })
    writeFileSync(join(tools, 'conntrack'), `#!/bin/sh\n[ "$*" = -F ] && echo "$0" >> ${tools}/ran\n${after}\n`)
    chmodSync(join(tools, 'conntrack'), 0o755)
    const script = flushEntries.transition({ entries: 'some' }, { entries: 'none' }, { all: true })
    if ('impossible' in script) throw new Error(script.impossible)
    const text = script.text.replaceAll('/proc/sys/net', tools).replaceAll('sleep 1', ':')
    const env = { PATH: `${tools}:${process.env.PATH}` }
    const { status, stderr } = spawnSync('sh', ['-c', text], { encoding: 'utf8', env })
    const times = existsSync(join(tools, 'ran'))
      ? readFileSync(join(tools, 'ran'), 'utf8').trim().split('\n').length
      : 0
    return { status, stderr, times }
  }
  const count = (value: number) => `echo ${value} > "\${0%/*}/netfilter/nf_conntrack_count"`

  test('ends when it stays empty', () => {
    expect(run(count(0))).toEqual({ status: 0, stderr: '', times: 1 })
  })

  test('goes again for what was on its way', () => {
    const once = `[ "$(wc -l < "\${0%/*}/ran")" -ge 3 ] && ${count(0)}; :`
    expect(run(once)).toEqual({ status: 0, stderr: '', times: 3 })
  })

  test('fails, within bounds, where entries go on coming: then something else tracks', () => {
    expect(run(count(4))).toEqual({ status: 1, stderr: expect.stringMatching(/\(4 now\).*something else/), times: 5 })
  })

  test('fails where the program does', () => {
    expect(run('exit 1')).toMatchObject({ status: 1, times: 1 })
  })
})

test('where nothing lists them there may be some', () => {
  expect(entries({})).toBe('some')
})
