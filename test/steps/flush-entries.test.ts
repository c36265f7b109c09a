import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
function entries(listings: Readonly<Record<string, string>>): string {
  rmSync(dir, { recursive: true, force: true })
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-flush-'))
  for (const [name, text] of Object.entries(listings)) writeFileSync(join(dir, name), text)
  const script = flushEntries.probe(FLOW).text.replaceAll('/proc/net', dir)
  const reading = flushEntries.read(execFileSync('sh', ['-c', script], { encoding: 'utf8' }), FLOW)
  return reading.known ? reading.value.entries : reading.why
}

test('either generation lists the entries', () => {
  expect(entries({ nf_conntrack: `ipv4     2 ${entry(80)}` })).toBe('some')
  expect(entries({ nf_conntrack: `ipv4     2 ${entry(443)}` })).toBe('none')
  expect(entries({ ip_conntrack: entry(80) })).toBe('some')
  expect(entries({ ip_conntrack: entry(443) })).toBe('none')
})

test('where nothing lists them there may be some', () => {
  expect(entries({})).toBe('some')
})
