import { fc, test as law } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import type { HostResult } from '../../src/model/result.ts'
import { planDocument, readPlanDocument } from '../../src/plan/document.ts'
import { aPlan } from '../support/a-plan.ts'

const hosts: readonly HostResult[] = [
  { host: 'web-9', status: 'planned', plan: aPlan },
  { host: 'web-8', status: 'healthy', findings: [], considered: [] },
]
const document = planDocument('inventory.yaml', '2026-01-02T03:04:05Z', hosts)
const text = JSON.stringify(document, null, 2)

test('a saved plan is read back as it was written, whatever its layout', () => {
  expect(readPlanDocument(text)).toEqual(document)
  expect(readPlanDocument(JSON.stringify(document))).toEqual(document)
})

test.each([
  ['a script', (saved: string) => saved.replace('echo bound', 'echo  bound'), /web-9/],
  ['an address', (saved: string) => saved.replaceAll('192.0.2.9', '192.0.2.8'), /web-9/],
  ['a host without a plan', (saved: string) => saved.replace('web-8', 'web-7'), /digest/],
  ['a status', (saved: string) => saved.replace('"planned"', '"declined"'), /digest/],
  ['the id', (saved: string) => saved.replace(document.id, '0'.repeat(64)), /digest/],
  ['the version', (saved: string) => saved.replace('"version": 2', '"version": 1'), /version/],
  ['its end', (saved: string) => saved.slice(0, -20), /not JSON/],
])('a plan in which %s was edited is no plan', (_what, edit, problem) => {
  expect(edit(text)).not.toBe(text)
  expect(readPlanDocument(edit(text))).toEqual({ problem: expect.stringMatching(problem) })
})

law.prop([
  fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('null', '[]', '{"version":2,"id":"","inventory":"","hosts":[null]}'),
  ),
])('anything else has a problem, and none throws', (any) => {
  expect(readPlanDocument(any)).toHaveProperty('problem')
})

law.prop([
  fc.record({
    version: fc.constant(2),
    id: fc.string(),
    createdAt: fc.jsonValue(),
    inventory: fc.string(),
    hosts: fc.array(
      fc.oneof(fc.jsonValue(), fc.record({ host: fc.string(), status: fc.string(), plan: fc.jsonValue() })),
    ),
  }),
])('nor does what only looks like a plan', (any) => {
  expect(readPlanDocument(JSON.stringify(any))).toHaveProperty('problem')
})

test.each([
  [
    'another host’s plan under a name',
    [{ host: 'db-1', status: 'planned', plan: aPlan }],
    /db-1 is a plan for another host/,
  ],
  ['a host twice', [hosts[0], hosts[0]], /web-9 twice/],
])('a plan with %s is no plan, though its digest matches', (_what, held, problem) => {
  const saved = planDocument('inventory.yaml', '2026-01-02T03:04:05Z', held as readonly HostResult[])
  expect(readPlanDocument(JSON.stringify(saved))).toEqual({ problem: expect.stringMatching(problem) })
})
