import { fc, test as law } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import type { GateName } from '../../src/model/plan.ts'
import { KEPT_FOR_THE_WORD, leastToConfirm, secondsOfGates } from '../../src/plan/gate-time.ts'
import { DEFAULT_GATES, readGates } from '../../src/playbook/verify.ts'

test('the gates of every host, unless a playbook says otherwise, fit well into the usual minute', () => {
  expect(leastToConfirm(readGates(DEFAULT_GATES, [], () => undefined))).toBeLessThan(30)
})

test('the longest wait counts, since ports and rates are asked at the same time', () => {
  const drops = { gate: 'drops', withinSeconds: 90 } as const
  const others = [{ gate: 'ports' }, { gate: 'invalid', withinSeconds: 60 }] as const
  expect(secondsOfGates([drops, ...others])).toBe(secondsOfGates([drops]))
  expect(secondsOfGates([drops])).toBeGreaterThan(90)
})

const gates = fc.array(
  fc.record({
    gate: fc.constantFrom<GateName>('reads-back', 'login', 'ports', 'drops', 'invalid'),
    withinSeconds: fc.nat(1800),
  }),
)

law.prop([gates])(
  'what is left of the window when the word is to be sent is never less than the gates take',
  (each) => {
    const window = leastToConfirm(each)
    expect(window * (1 - KEPT_FOR_THE_WORD)).toBeGreaterThanOrEqual(secondsOfGates(each))
    // A playbook cannot ask for more than a host can be told to wait.
    expect(window).toBeLessThanOrEqual(3600)
  },
)
