import { expect, test } from 'vitest'
import type { DropsGate } from '../../../src/model/plan.ts'
import { gateTexts, likenessOfGates } from '../../../src/report/text/gates.ts'
import { aPlan } from '../fleet.ts'

const drops = (mostPerSecond: number, beforePerSecond: number): DropsGate => ({
  gate: 'drops',
  mostPerSecond,
  withinSeconds: 10,
  beforePerSecond,
  because: 'so it is',
})
const planned = (gate: DropsGate) => aPlan('a', { gates: [gate] })

test('what is foretold of drops is said in as many words: they end, they fall, or are only held from growing', () => {
  const said = [drops(0, 12), drops(6, 12), drops(24, 12)].flatMap((gate) => gateTexts(planned(gate)))
  expect(said).toEqual([
    'drops: no packet is dropped any more, within 10 s; so it is',
    'drops: they fall to at most 6 packets a second, within 10 s (12/s before); so it is',
    'drops: only held from growing, at most 24 packets a second, within 10 s (12/s before); so it is',
  ])
})

test('hosts of which the same is foretold are shown together, whatever was counted there', () => {
  const likeness = (most: number, before: number) => likenessOfGates(planned(drops(most, before)))
  expect(likeness(24, 12)).toEqual(likeness(80, 40))
  expect(likeness(6, 12)).not.toEqual(likeness(24, 12))
  expect(likeness(0, 12)).not.toEqual(likeness(6, 12))
})
