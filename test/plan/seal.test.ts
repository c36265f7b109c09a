import { fc, test as law } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { canonicalJson, sameJson } from '../../src/model/json.ts'
import { isSealed, sealPlan } from '../../src/plan/seal.ts'
import { aPlan } from '../support/a-plan.ts'

describe('canonical JSON', () => {
  law.prop([fc.jsonValue()])('says what JSON says', (value) => {
    expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
  })

  law.prop([fc.dictionary(fc.string(), fc.jsonValue())])('does not see the order of keys', (value) => {
    const turned = Object.fromEntries(Object.entries(value).reverse())
    expect(canonicalJson({ a: [value] })).toBe(canonicalJson({ a: [turned] }))
  })

  test('sees the order of a list, and a type from another', () => {
    expect(sameJson([1, 2], [2, 1])).toBe(false)
    expect(sameJson({ a: 1 }, { a: '1' })).toBe(false)
    expect(sameJson({ a: null }, {})).toBe(false)
    expect(sameJson({ b: { d: 1, c: 2 }, a: 1 }, { a: 1, b: { c: 2, d: 1 } })).toBe(true)
  })
})

describe('a seal', () => {
  test('holds for the plan that it was given to, also after a trip through JSON', () => {
    expect(isSealed(aPlan)).toBe(true)
    expect(isSealed(JSON.parse(JSON.stringify(aPlan)))).toBe(true)
    expect(aPlan.id).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each([
    ['the script', { script: `${aPlan.script}\nreboot` }],
    ['a change', { changes: [] }],
    ['the host', { host: { ...aPlan.host, address: '192.0.2.66' } }],
    ['a gate', { gates: [] }],
    ['what it is bound to', { boundTo: { ...aPlan.boundTo, digest: 'beef0' } }],
    ['a note', { notes: ['all is well'] }],
    ['the id', { id: '0'.repeat(64) }],
    ['something new', { extra: true }],
  ])('breaks when %s is edited', (_what, edited) => {
    expect(isSealed({ ...aPlan, ...edited })).toBe(false)
  })

  test('is the same for the same plan, and another for another', () => {
    const { id, ...plan } = aPlan
    expect(sealPlan(plan).id).toBe(id)
    expect(sealPlan({ ...plan, strategy: 'notrack' }).id).not.toBe(id)
  })
})
