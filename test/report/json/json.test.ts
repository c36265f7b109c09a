import { test as lawTest } from '@fast-check/vitest'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { explanationJson } from '../../../src/report/json/explanation.ts'
import { indicativeJson } from '../../../src/report/json/indicative.ts'
import { resultsJson } from '../../../src/report/json/plan.ts'
import { runsJson } from '../../../src/report/json/runs.ts'
import { jsonParts, jsonText } from '../../../src/report/json/text.ts'
import { EXPLAINED_FLEET, FORETOLD_FLEET } from '../explained.ts'
import { aRun, ENDED_FLEET, PLANNED_FLEET } from '../fleet.ts'
import { summaryOf } from '../run-summary.ts'

lawTest.prop([fc.jsonValue({ stringUnit: 'binary' })])('JSON text gives its value back', (value) => {
  expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)))
})

lawTest.prop([fc.string({ unit: 'binary' })])('JSON text holds nothing that a terminal would obey', (text) => {
  expect(jsonText({ [text]: text }).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
})

lawTest.prop([fc.array(fc.jsonValue({ stringUnit: 'binary' })), fc.dictionary(fc.string(), fc.jsonValue())])(
  'parts of a document are its text',
  (hosts, beside) => {
    const document = { version: 1, hosts, beside }
    expect([...jsonParts(document, 'hosts')].join('')).toBe(jsonText(document))
  },
)

test('every host of a plan has the same keys, with [] for changes where nothing is to do', () => {
  const { hosts } = parsed(resultsJson([...PLANNED_FLEET, ...ENDED_FLEET]))
  const keys = new Set(hosts.map((host) => Object.keys(host).join(' ')))
  expect([...keys]).toEqual([
    'host status findings strategy considered changes kept notes sessionLoss gates plan transaction until fault why checked',
  ])
  const byHost = new Map(hosts.map((host) => [host.host, host]))
  expect(byHost.get('lb-1')).toMatchObject({ status: 'healthy', strategy: null, changes: [] })
  expect(byHost.get('web-4')).toMatchObject({ status: 'already-right', strategy: 'tune', changes: [] })
  expect(byHost.get('db-3')).toMatchObject({ status: 'unreachable', changes: [], fault: { code: 'host-key-changed' } })
})

test('the JSON of a plan shows what changes, and keeps the scripts for the saved plan', () => {
  const text = jsonText(resultsJson(PLANNED_FLEET))
  expect(text).toContain('"title": "add 1 rule in IPv4 filter"')
  expect(text).not.toContain('#!/bin/sh')
})

test('every host that is explained has the same keys, whatever came of it', () => {
  const { hosts } = parsed(explanationJson(EXPLAINED_FLEET, null))
  const keys = new Set(hosts.map((host) => Object.keys(host).join(' ')))
  expect([...keys]).toEqual([
    'host status locked health findings table strategies choice ports standing root notRoot fault why',
  ])
  expect(hosts[0]).toMatchObject({
    choice: { strategy: 'notrack' },
    strategies: [{}, { effect: { entriesFreed: { known: true, value: { value: 203_843, low: 194_532 } } } }, {}],
  })
})

test('what was foretold says of itself and of every host that it cannot be applied', () => {
  const source = { facts: 'facts.json', takenAt: '2026-11-26T09:42:00.000Z', tool: 'ctfleet 0.1.0' }
  const document = parsed(indicativeJson(FORETOLD_FLEET, source))
  expect(document).toMatchObject({ appliable: false, source })
  expect(document.hosts).toEqual(FORETOLD_FLEET.map(() => expect.objectContaining({ appliable: false })))
  expect(Object.keys(document).slice(0, 2)).toEqual(['version', 'appliable'])
})

test('the JSON of runs says how each host ended, without the plans', () => {
  const { runs } = JSON.parse(jsonText(runsJson([summaryOf(aRun())], new Map())))
  expect(runs[0].hosts[0]).toEqual({
    host: 'web-1',
    status: 'applied',
    strategy: 'tune',
    transaction: '3fe12545e6',
    until: null,
    fault: null,
  })
  expect(runs[0]).toMatchObject({ id: '20261126-0942-7f3a', command: 'apply', of: null })
})

function parsed(value: object): { hosts: { host: string }[] } {
  return JSON.parse(jsonText(value))
}
