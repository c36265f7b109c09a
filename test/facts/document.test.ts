import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FactsDocument, readFactsDocument } from '../../src/facts/document.ts'
import type { Facts } from '../../src/model/facts.ts'
import { planDocument } from '../../src/plan/document.ts'
import { factsJson } from '../../src/report/json/facts.ts'
import { resultsJson } from '../../src/report/json/plan.ts'
import { runsJson } from '../../src/report/json/runs.ts'
import { FULL_WEB_SERVER } from '../report/a-host.ts'
import { aFault, aRun, PLANNED_FLEET } from '../report/fleet.ts'
import { summaryOf } from '../report/run-summary.ts'
import { recordedAnswers } from './answers.ts'

const RECORDED = recordedAnswers()
const NO_GROUPS = { takenAt: '2026-11-26T09:42:00.000Z', tool: 'ctfleet 0.1.0', groupsOf: () => ['web'] }

test('the facts of every recorded system read back as they were written', () => {
  const results = RECORDED.map(
    ({ system, facts }) => ({ host: system, status: 'read', facts: facts as Facts }) as const,
  )
  const written = factsJson(results, NO_GROUPS)
  const read = documentIn(JSON.stringify(written))
  expect(read).toEqual(JSON.parse(JSON.stringify(written)))
  expect(read.hosts).toHaveLength(RECORDED.length)
})

test('hosts that could not be read stay what they were', () => {
  const fault = aFault()
  const results = [
    { host: 'a', status: 'unreachable', fault },
    { host: 'b', status: 'failed', fault },
    { host: 'c', status: 'not-reached', why: 'the run was stopped before its turn' },
  ] as const
  const { hosts } = documentIn(JSON.stringify(factsJson(results, NO_GROUPS)))
  expect(hosts).toEqual(results.map((result) => ({ ...result, groups: ['web'] })))
})

test('a document of before its time was written down is readable, and what it was not asked is not known', () => {
  const { forwarding: _, clientPorts: __, ...system } = FULL_WEB_SERVER.system
  const old = { version: 1, hosts: [{ host: 'a', status: 'read', facts: { ...FULL_WEB_SERVER, system } }] }
  const { takenAt, tool, hosts } = documentIn(JSON.stringify(old))
  expect([takenAt, tool]).toEqual([null, null])
  const [host] = hosts
  expect(host?.status === 'read' && host.facts.system.forwarding.ip).toMatchObject({ known: false })
  expect(host?.status === 'read' && host.facts.system.clientPorts).toMatchObject({ known: false })
})

describe('a wrong file is told in one sentence, with its place and the next step', () => {
  const good = { version: 1, hosts: [{ host: 'a', status: 'read', facts: FULL_WEB_SERVER }] }
  const conntrack = (max: unknown) => ({
    version: 1,
    hosts: [
      { host: 'a', status: 'read', facts: { ...FULL_WEB_SERVER, conntrack: { ...FULL_WEB_SERVER.conntrack, max } } },
    ],
  })
  const MAX = 'hosts[0].facts.conntrack.max'
  const cases: readonly (readonly [title: string, text: unknown, path: string, message: RegExp])[] = [
    ['an empty one', '', '', /^is empty$/],
    ['one of which half is missing', JSON.stringify(good).slice(0, 900), '', /not JSON/],
    ['a saved plan', planDocument('i.yaml', '2026-11-26T09:42:00.000Z', PLANNED_FLEET), '', /saved plan, not facts/],
    ['what plan printed', resultsJson(PLANNED_FLEET), '', /not the facts themselves/],
    ['what runs printed', runsJson([summaryOf(aRun())], new Map()), '', /ctfleet runs printed/],
    ['an inventory in JSON', { all: { hosts: { a: {} } } }, '', /not what ctfleet facts prints/],
    ['a list', [1, 2], '', /not what ctfleet facts prints/],
    ['facts of another version', { ...good, version: 7 }, 'version', /version 7, and this ctfleet reads version 1/],
    ['no host', { version: 1, hosts: [] }, 'hosts', /at least 1 item/],
    ['one host twice', { version: 1, hosts: [good.hosts[0], good.hosts[0]] }, 'hosts', /"a" twice/],
    ['a value without its reading', conntrack(262_144), MAX, /expected a map, found 262144/],
    ['a reading without a reason', conntrack({ known: false }), `${MAX}.why`, /is missing/],
    ['a value of another type', conntrack({ known: true, value: '9' }), `${MAX}.value`, /whole number, found "9"/],
    ['a negative size', conntrack({ known: true, value: -1 }), `${MAX}.value`, /at least 0, found -1/],
    [
      'a number that is none',
      `${JSON.stringify(conntrack({ known: true, value: 1 })).replace('"max":{"known":true,"value":1}', '"max":{"known":true,"value":1e999}')}`,
      `${MAX}.value`,
      /./,
    ],
  ]
  test.each(cases)('%s', (_title, value, path, message) => {
    const read = readFactsDocument(typeof value === 'string' ? value : JSON.stringify(value))
    if (!('problem' in read)) throw new Error('it was read')
    expect(read.problem).toMatchObject({ path, message: expect.stringMatching(message) })
    expect(read.problem.hint).toMatch(/ctfleet facts --format json > facts\.json|keep one/)
  })
})

test('whatever is changed in a document, reading it ends with facts or a sentence', () => {
  const leaf = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('__proto__', -1, 1e308, null, { known: true }))
  const whole = JSON.stringify({ version: 1, hosts: [{ host: 'a', status: 'read', facts: FULL_WEB_SERVER }] })
  fc.assert(
    fc.property(fc.nat(), leaf, (at, value) => {
      let left = at % 400
      const text = JSON.stringify(JSON.parse(whole), (_key, each) => (left-- === 0 ? value : each))
      const read = readFactsDocument(text ?? '')
      if ('problem' in read) expect(read.problem.message).not.toMatch(/undefined|\[object/)
      else expect(read.hosts[0]?.host).toBeTypeOf('string')
    }),
    { numRuns: 200 },
  )
})

function documentIn(text: string): FactsDocument {
  const read = readFactsDocument(text)
  if ('problem' in read) throw new Error(`${read.problem.path}: ${read.problem.message}`)
  return read
}
