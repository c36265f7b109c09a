import { describe, expect, test } from 'vitest'
import { type FileChange, linesOf } from '../../src/firewall/file-text.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import type { Service } from '../../src/firewall/packet.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import type { Family, LiveRules } from '../../src/firewall/rules.ts'
import { saveFileChange } from '../../src/firewall/save-file.ts'
import { removableStatefulRules } from '../../src/firewall/stateful.ts'
import type { Reading } from '../../src/model/reading.ts'
import { corpus, filesBelow, NO_CORPUS, textOf } from './corpus.ts'

/** What is written into a file of rules: beside its neighbours, and nothing else of it changes. */

const HTTP: readonly Service[] = [{ protocol: 'tcp', port: 80 }]
const PATH = '/etc/iptables/rules.v4'

const WEB = `# our web server: don't touch

*filter
:INPUT DROP [12:3456]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [99:1]
# loopback
-A INPUT -i lo -j ACCEPT
[5:300] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  -A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m conntrack --ctstate NEW   -m tcp --dport 80 -j ACCEPT\t
-A INPUT -p icmp -j ACCEPT
-A INPUT -s 192.0.2.7/32 -m comment --comment "it's \\"odd\\" é" -j DROP
COMMIT
# Completed
`

test('twins beside the accepts that they are for, NOTRACK in a table of its own at the end, all else as it was', () => {
  const { after, change } = written(WEB, 'ip', HTTP)
  expect(change.rules.length).toBeGreaterThan(3)
  expect(after.startsWith(WEB.slice(0, WEB.indexOf('[5:300]')))).toBe(true)
  const lines = linesOf(after)
  const accept = lines.findIndex((line) => line.includes('--ctstate NEW   -m tcp --dport 80'))
  expect(lines.slice(accept - 2, accept + 2).join('\n')).toContain('UNTRACKED')
  expect(after.slice(after.indexOf('# ctfleet:notrack'))).toMatch(
    /^# ctfleet.*\n\*raw\n(:\w+ ACCEPT \[0:0\]\n){2}(-A .* --notrack\n)+COMMIT\n# ctfleet.*\n$/,
  )
  expect(withoutOurs(after)).toBe(WEB)
})

test('a raw table that is there takes them in, at its top', () => {
  const raw = '*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 192.0.2.0/24 -j DROP\nCOMMIT\n'
  const { after } = written(`${raw}${WEB}`, 'ip', HTTP)
  expect(after.match(/^\*raw$/gm)).toHaveLength(1)
  expect(after).toMatch(/^\*raw\n:PREROUTING ACCEPT \[0:0\]\n-A PREROUTING .*--notrack\n/)
  expect(withoutOurs(after)).toBe(`${raw}${WEB}`)
})

test('a family without a file gets one', () => {
  const made = changeOf(null, 'ip6', HTTP)
  if (!made.known) throw new Error(made.why)
  expect(made.value).toMatchObject({ made: true, before: { cksum: '4294967295 0' } })
  expect(parseRules(applied('', made.value), 'ip6')).toMatchObject({
    known: true,
    value: { tables: [{ name: 'raw' }] },
  })
})

test('stateful rules that decide nothing go, line by line', () => {
  const text = WEB.replace(':INPUT DROP', ':INPUT ACCEPT').replace(':FORWARD DROP', ':FORWARD ACCEPT')
  const open = text.replace(/^-A INPUT -s .*\n/m, '')
  const live = liveOf(open, 'ip')
  const removal = removableStatefulRules([live])
  if (!removal.removable) throw new Error(removal.why)
  const change = saveFileChange({ path: PATH, text: open, family: 'ip' }, 'nft', removal.edits)
  if (!change.known) throw new Error(change.why)
  const kept = linesOf(open).filter((line) => !line.includes('--ctstate'))
  expect(linesOf(applied(open, change.value))).toEqual(kept)
})

describe('where a rule of the chain is not a line of its own, nothing is written', () => {
  const cases: readonly [what: string, text: string, why: RegExp][] = [
    ['an insertion', WEB.replace('-A INPUT -i lo', '-I INPUT -i lo'), /line 8 is no append/],
    ['an end without a line end', WEB.slice(0, -1), /middle of a line/],
    ['line ends of another system', WEB.replaceAll('\n', '\r\n'), /another system/],
    ['a family of its own', WEB.replace('-A INPUT -i lo', '-A INPUT -4 -i lo'), /line 8 is for one family/],
  ]
  test.each(cases)('%s', (_what, text, why) => {
    expect(changeOf(text, 'ip', HTTP)).toMatchObject({ known: false, why: expect.stringMatching(why) })
  })
})

test('files that people published: written once, all else stays, and a second time there is nothing to write', (context) => {
  if (corpus === null) return context.skip(NO_CORPUS)
  let written = 0
  for (const [at, path] of filesBelow(corpus, '01-iptables-save').entries()) {
    const text = textOf(corpus, path)
    if (text.length > 40_000 || !parseRules(text, 'ip').known) continue
    const services = [{ protocol: 'tcp', port: at % 2 === 0 ? 22 : 80 }] as const
    const change = changeOf(text, 'ip', services, 100_000)
    if (!change.known || change.value.hunks.length === 0) continue
    written += 1
    const after = applied(text, change.value)
    expect(withoutOurs(after), path).toBe(text)
    expect(changeOf(after, 'ip', services, 100_000), path).toMatchObject({ known: true, value: { hunks: [] } })
  }
  expect(written).toBeGreaterThan(10)
}, 120_000)

function written(text: string, family: Family, services: readonly Service[]) {
  const change = changeOf(text, family, services)
  if (!change.known) throw new Error(change.why)
  const after = applied(text, change.value)
  expect(changeOf(after, family, services), 'twice is once').toMatchObject({ known: true, value: { hunks: [] } })
  return { change: change.value, after }
}

function changeOf(
  text: string | null,
  family: Family,
  services: readonly Service[],
  budget = 1_000_000,
): Reading<FileChange> {
  const patch = notrackPatch([liveOf(text ?? '', family)], services, {
    families: [family],
    backend: 'nft',
    budget,
    addresses: [],
  })
  if (!patch.safe) return { known: false, why: patch.why }
  return saveFileChange({ path: PATH, text, family }, 'nft', patch.edits)
}

function liveOf(text: string, family: Family): LiveRules {
  const rules = parseRules(text, family)
  return { backend: 'nft', rules: rules.known ? rules.value : { family, tables: [] } }
}

function applied(text: string, { hunks }: FileChange): string {
  const lines = [...linesOf(text)]
  for (const { at, remove, add } of hunks.toReversed()) {
    expect(lines.slice(at, at + remove.length)).toEqual(remove)
    lines.splice(at, remove.length, ...add)
  }
  return lines.map((line) => `${line}\n`).join('')
}

function withoutOurs(text: string): string {
  return text
    .replace(/^# ctfleet:notrack: added(?:.*\n)*?# ctfleet:notrack: end\n/m, '')
    .replace(/^.*ctfleet:notrack:.*\n/gm, '')
}
