import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RULE_IDS } from '../../src/audit/catalog.ts'
import type { Facts } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { findingsIn, rulesOf } from './auditing.ts'

/** A host with much against it, so that there is something to lose. */
const BAD: Facts = factsWith({
  conntrack: { count: known(900_000), max: known(1_000_000), usage: known(0.9) },
  memory: { total: known(2 ** 30), available: known(2 ** 27) },
  kernelLog: { tableFull: known({ lines: 3, newestAgeSeconds: 60 }) },
  counters: { drop: known(7), earlyDrop: known(3) },
  firewall: rulesOf(
    '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack\nCOMMIT\n' +
      '*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n',
  ),
  listeners: {
    sockets: known([{ protocol: 'tcp', address: '::', port: 80 }]),
    addresses: known(['192.0.2.1', '2001:db8::1']),
  },
  persistence: {
    files: known([{ path: '/etc/sysctl.conf', lines: ['net.netfilter.nf_conntrack_max = 5'] }]),
  },
})
/** The same where tracking is a node's. */
const CONTAINED: Facts = { ...BAD, conntrack: { ...BAD.conntrack, maxWritable: known(false) } }

type Path = readonly string[]

/** Where in a tree of facts there are readings. */
function readingsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return []
  if ('known' in value) return [path]
  return Object.entries(value).flatMap(([key, inner]) => readingsIn(inner, [...path, key]))
}

function without(facts: Facts, [key, ...rest]: Path): Facts {
  const put = (value: unknown, at: Path): unknown => {
    const [next, ...more] = at
    return next === undefined
      ? unknown('it was not told')
      : { ...(value as object), [next]: put((value as Record<string, unknown>)[next], more) }
  }
  return put(facts, [key ?? '', ...rest]) as Facts
}

const rulesIn = (facts: Facts) => new Set(findingsIn(facts).map(({ rule }) => rule))

describe.each([
  ['a host with much against it', BAD],
  ['the same in a namespace of its own', CONTAINED],
])('%s', (_name, facts) => {
  const before = rulesIn(facts)

  test.each(readingsIn(facts).map((path) => [path.join('.'), path] as const))(
    'not knowing %s accuses it of nothing more',
    (_path, path) => {
      const more = [...rulesIn(without(facts, path))].filter((rule) => rule !== 'cannot-tell' && !before.has(rule))
      expect(more).toEqual([])
    },
  )
})

test('of a host that tells nothing all that is known is that it cannot be told', () => {
  const nothing = readingsIn(BAD).reduce(without, BAD)
  expect([...rulesIn(nothing)]).toEqual(['cannot-tell'])
  for (const { evidence } of findingsIn(nothing)) expect(evidence.join()).toContain('it was not told')
})

test('what real systems answered is judged, and every finding says what to type', () => {
  const folder = 'test/cases/facts'
  const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(cases.length).toBeGreaterThan(5)
  for (const { name } of cases) {
    const facts = JSON.parse(readFileSync(join(folder, name, 'facts.json'), 'utf8')) as Facts
    for (const { rule, title, remedy } of findingsIn(facts)) {
      expect(RULE_IDS).toContain(rule)
      expect(title).not.toBe('')
      expect(remedy ?? '').not.toBe('')
    }
  }
})
