import { describe, expect, test } from 'vitest'
import { linesOf } from '../../src/firewall/file-text.ts'
import type { Service } from '../../src/firewall/packet.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import type { Family } from '../../src/firewall/rules.ts'
import { saveFileChange } from '../../src/firewall/save-file.ts'
import { removableStatefulRules } from '../../src/firewall/stateful.ts'
import { applied, changeOf, liveOf, PATH, withoutOurs } from './written-file.ts'

/** What is written into a file of rules: beside its neighbours, and nothing else of it changes. */

const HTTP: readonly Service[] = [{ protocol: 'tcp', port: 80 }]

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

function written(text: string, family: Family, services: readonly Service[]) {
  const change = changeOf(text, family, services)
  if (!change.known) throw new Error(change.why)
  const after = applied(text, change.value)
  expect(changeOf(after, family, services), 'twice is once').toMatchObject({ known: true, value: { hunks: [] } })
  return { change: change.value, after }
}
