import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { keepRules, rulesProbe } from '../../src/firewall/normalise.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfleet-normalise-'))
afterAll(() => rmSync(folder, { recursive: true }))

const CHAINS = [
  { backend: 'nft', family: 'ip', table: 'filter', chain: 'INPUT' },
  { backend: 'nft', family: 'ip', table: 'filter', chain: 'a.b/c' },
  { backend: 'nft', family: 'ip', table: 'raw', chain: 'PREROUTING' },
] as const

test('only the chains asked for, without counters, comments and what an absent table would say', () => {
  const tool = stub(`# Generated on Monday
*raw
:PREROUTING ACCEPT [7:99]
COMMIT
*filter
:INPUT DROP [12:840]
:aXb - [0:0]
:a.b/c - [0:0]
[3:4] -A INPUT -s 10.0.0.0/8 -m comment --comment "[1:2] & more" -j a.b/c
-A OTHER -j DROP
-A a.b/c
COMMIT
`)
  expect(run(tool)).toBe(`nft ip filter :INPUT DROP
nft ip filter :a.b/c -
nft ip filter -A INPUT -s 10.0.0.0/8 -m comment --comment "[1:2] & more" -j a.b/c
nft ip filter -A a.b/c
`)
})

test('a table that the tool cannot print shows', () => {
  const tool = stub("# Table `filter' is incompatible, use 'nft' tool.\n")
  expect(run(tool)).toBe("nft ip # Table `filter' is incompatible, use 'nft' tool.\n")
})

test('a missing tool and a missing backend print nothing', () => {
  expect(run(join(folder, 'nobody'))).toBe('')
  expect(run(null)).toBe('')
})

test('the guards come before the tools, so that reading loads no module', () => {
  const { text } = rulesProbe([{ ...CHAINS[0], backend: 'legacy', family: 'ip6' }], {
    legacy: '/usr/sbin/iptables-legacy-save',
    nft: null,
  })
  expect(text.indexOf('grep -qs . /proc/net/ip6_tables_names')).toBeGreaterThan(-1)
  expect(text.indexOf('grep -qs . /proc/net/ip6_tables_names')).toBeLessThan(
    text.indexOf('LC_ALL=C /usr/sbin/ip6tables-legacy-save'),
  )
  expect(rulesProbe(CHAINS, { legacy: null, nft: 'x' }).text).toContain("grep -qs '^nf_tables ' /proc/modules")
})

test('what was kept is printed as the tool would print it, which is run once', () => {
  const tool = stub(`*filter
:INPUT DROP [12:840]
-A INPUT -m comment --comment "100% \\\\n *" -j a.b/c
COMMIT
`)
  const runs = join(folder, 'runs')
  appendFileSync(tool, `echo run >> ${runs}\n`)
  const { text: keep } = keepRules(CHAINS, { legacy: null, nft: tool })
  const { text: probe } = rulesProbe(CHAINS, { legacy: null, nft: tool })
  const alone = shell(probe)
  expect(alone).toContain('100% ')
  writeFileSync(runs, '')
  expect(shell(`${keep}\n( ${probe}\n)\n${keep}\n${probe}`)).toBe(alone + alone)
  expect(readFileSync(runs, 'utf8')).toBe('run\n')
})

test('a table that the tool cannot print is not kept, nor is more than a word of a command may hold', () => {
  const long = `*filter\n${'-A INPUT -j DROP\n'.repeat(7000)}COMMIT\n`
  for (const prints of ["# Table `filter' is incompatible, use 'nft' tool.\n", long]) {
    const { text } = keepRules(CHAINS, { legacy: null, nft: stub(prints) })
    expect(shell(`${text}\necho "<$kept_by_nft>"`)).toBe('<>\n')
  }
})

/** Runs the probe as if nf_tables were there, whatever kernel this is. */
function run(tool: string | null): string {
  const { text } = rulesProbe(CHAINS, { legacy: null, nft: tool })
  return shell(text)
}

function shell(text: string): string {
  return execFileSync('sh', ['-c', text.replaceAll('/proc/modules', '/nowhere')], { encoding: 'utf8' })
}

function stub(prints: string): string {
  const path = join(folder, 'iptables-stub-save')
  writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${prints}END\n`)
  chmodSync(path, 0o755)
  return path
}
