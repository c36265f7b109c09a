import { readdirSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { planDocument } from '../../src/plan/document.ts'
import { REPORTS } from '../../src/report/catalog.ts'
import { resultsJson } from '../../src/report/json/plan.ts'
import { jsonText } from '../../src/report/json/text.ts'
import { aPlan, aRun, ENDED_FLEET, PLANNED_FLEET } from '../report/fleet.ts'
import { objections } from '../support/json-schema.ts'
import { PUBLISHED, textOf } from './published.ts'

test('the files of schemas/ are what npm run schemas writes', () => {
  expect(readdirSync('schemas').toSorted()).toEqual(Object.keys(PUBLISHED).toSorted())
  for (const [name, schema] of Object.entries(PUBLISHED))
    expect(readFileSync(`schemas/${name}`, 'utf8')).toBe(textOf(schema))
})

test('the example of a policy names its schema, and fits it', () => {
  const text = readFileSync('policy.example.yaml', 'utf8')
  expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/schemas\/policy\.json\n/)
  expect(objections(read('policy.json'), parse(text))).toEqual([])
  expect(objections(read('policy.json'), { thresholds: { 'near-ful': 75 } })).not.toEqual([])
})

const PLAYBOOKS = ['playbooks', 'docs/examples'].flatMap((folder) =>
  readdirSync(folder).flatMap((name) => (name.endsWith('.yaml') ? [`${folder}/${name}`] : [])),
)

describe('for editors', () => {
  test.each(PLAYBOOKS)('%s names the schema, and fits it', (file) => {
    const text = readFileSync(file, 'utf8')
    const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? []
    expect(resolve(dirname(file), schema ?? '')).toBe(resolve('schemas/playbook.json'))
    expect(objections(read('playbook.json'), parse(text))).toEqual([])
  })

  const mistakes: readonly [what: string, change: (playbook: Loose) => void, told: string][] = [
    [
      'a misspelt key',
      (playbook) => Object.assign(playbook, { requries: [] }),
      '/: must NOT have additional properties (requries)',
    ],
    ['no title', (playbook) => delete playbook.title, "/: must have required property 'title'"],
    [
      'a step of no kind',
      (playbook) => Object.assign(playbook, { steps: [{ name: 'x' }] }),
      '/steps/0: must match exactly one schema in oneOf',
    ],
    [
      'a wrong value',
      (playbook) => Object.assign(playbook, { steps: [{ sysctl: { key: 'net.a', value: 'x' } }] }),
      '/steps/0/sysctl/value: must match a schema in anyOf',
    ],
    [
      'an unknown gate',
      (playbook) => Object.assign(playbook, { verify: ['reads-bakc'] }),
      '/verify/0: must match a schema in anyOf',
    ],
  ]
  test.each(mistakes)('%s is underlined', (_what, change, told) => {
    const playbook: Loose = parse(readFileSync('docs/examples/site-baseline.yaml', 'utf8'))
    change(playbook)
    expect(objections(read('playbook.json'), playbook)).toContain(told)
  })
})

test('what plan, apply and rollback print fits its schema, however hosts end', () => {
  const printed = JSON.parse(
    jsonText({ ...resultsJson([...PLANNED_FLEET, ...ENDED_FLEET]), run: '20261126-0942-7f3a' }),
  )
  expect(objections(read('report.json'), printed)).toEqual([])
  printed.hosts[0].status = 'fine'
  expect(objections(read('report.json'), printed)[0]).toBe(
    '/hosts/0/status: must be equal to one of the allowed values',
  )
})

test('a report of a run fits the same schema, with who approved what', () => {
  const plan = aPlan('web-1').id
  const approval = { host: 'web-1', plan, by: 'alice@bastion', at: '2026-11-26T09:42:20.000Z', how: 'asked' } as const
  const run = aRun({ approvals: [approval] })
  const printed = JSON.parse(REPORTS.json.write({ run, later: [] }))
  expect(objections(read('report.json'), printed)).toEqual([])
  printed.approvals[0].plan = 'none'
  expect(objections(read('report.json'), printed)).toEqual(['/approvals/0/plan: must match pattern "^[0-9a-f]+$"'])
})

test('a saved plan fits its schema', () => {
  const saved = JSON.parse(JSON.stringify(planDocument('inventory.yaml', '2026-11-26T09:42:00.000Z', PLANNED_FLEET)))
  expect(objections(read('plan.json'), saved)).toEqual([])
  delete saved.hosts[1].plan.script
  expect(objections(read('plan.json'), saved)).toContain('/hosts/1/plan: must match a schema in anyOf')
})

type Loose = { [key: string]: unknown }

function read(name: string): Loose {
  return JSON.parse(readFileSync(`schemas/${name}`, 'utf8'))
}
