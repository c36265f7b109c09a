import { expect, test } from 'vitest'
import type { Planned } from '../../src/cli/approve.ts'
import { inFull } from '../../src/cli/decide.ts'
import { aPlan } from '../report/fleet.ts'
import { plain } from '../report/paper.ts'

const planned = (host: string, evidence: readonly string[] = []): Planned => {
  const finding = { rule: 'busy-port', severity: 'info', title: 'one port', evidence } as const
  return { host, status: 'planned', plan: aPlan(host, { findings: [finding] }) }
}
const NOTHING = 'Nothing of this was left out above.'

test('who asks for a plan in full hears where nothing of it was left out', () => {
  const alone = planned('web-1')
  expect(inFull(plain(80), alone, [alone]).at(-1)).toBe(NOTHING)
  const long = planned(
    'web-1',
    Array.from({ length: 200 }, (_, at) => `${at}`),
  )
  expect(inFull(plain(80), long, [long])).not.toContain(NOTHING)
})

test('of a host that was shown among others with the same change, more is to be seen', () => {
  expect(inFull(plain(80), planned('web-1'), [planned('web-1'), planned('web-2')])).not.toContain(NOTHING)
})
