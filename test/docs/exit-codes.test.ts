import { expect, test } from 'vitest'
import { EXIT, exitCodeOf } from '../../src/cli/exit-code.ts'
import type { HostResult } from '../../src/model/result.ts'
import { aFault, ENDED_FLEET, PLANNED_FLEET } from '../report/fleet.ts'
import { pageText } from './pages.ts'

/** What docs/exit-codes.md says. */
const page = pageText('docs/exit-codes.md')

test('every code is there, and no other', () => {
  const [first = ''] = page.split('## By the status')
  const codes = [...first.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
  expect(codes).toEqual(Object.values(EXIT))
})

const told = new Map(
  [...page.matchAll(/^\| `([\w-]+)` \| (\d+) \|/gm)].map(([, status, code]) => [status, Number(code)]),
)

test.each([...new Map([...PLANNED_FLEET, ...ENDED_FLEET].map((result) => [result.status, result])).values()])(
  '$status ends with the code that the page says',
  (result) => {
    const asUsual = usual(result)
    expect(told.get(result.status)).toBe(exitCodeOf([asUsual]))
  },
)

/** Without what makes another code of it, as the last column says. */
function usual(result: HostResult): HostResult {
  if (result.status === 'rolled-back') return { ...result, fault: aFault() }
  if (result.status === 'skipped') return { host: result.host, status: result.status, plan: result.plan }
  return result
}
