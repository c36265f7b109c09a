import { describe, expect, test } from 'vitest'
import type { HostResult } from '../../../src/model/result.ts'
import { planTold } from '../../../src/report/catalog/plan-told.ts'
import { planMarkdown } from '../../../src/report/markdown/plan.ts'
import { aPlan, PLANNED_FLEET } from '../fleet.ts'
import { HOSTILE } from '../hostile.ts'
import { evilRun } from '../incident.ts'
import { withoutCode } from '../without-code.ts'

test('a plan as a ticket has it', async () => {
  const text = planMarkdown('Plan for inventory.yaml', planTold(PLANNED_FLEET))
  await expect(text).toMatchFileSnapshot('../screens/plan.md')
})

test('equal changes stand there once, with every id that an approval names', () => {
  const fleet = Array.from({ length: 30 }, (_, at): HostResult => {
    const plan = { ...aPlan(`web-${at}`), id: `${String(at).padStart(2, '0')}${'a'.repeat(62)}` }
    return { host: `web-${at}`, status: 'planned', plan }
  })
  const text = planMarkdown('Plan', planTold(fleet))
  expect(text.match(/^## /gm)).toHaveLength(1)
  expect(text).toContain('## `web-0`, `web-1`, `web-2` and 27 more: planned, tune')
  for (const { host } of fleet) expect(text).toMatch(new RegExp(`^\\| \`${host}\` \\| \`\\d\\da{10}\` \\|$`, 'm'))
})

test('hosts that were left out are counted, and those of which it cannot be told are named', () => {
  const text = planMarkdown('Plan', planTold([], { leftOut: ['a', 'b'], unsure: [{ host: 'c', why: 'not root' }] }))
  expect(text).toContain('2 hosts left out by `--where`.')
  expect(text).toContain('`--where` cannot be told of 1 host (`c`): not root')
})

test('a line without end is cut, and says how long it was', () => {
  const fleet: readonly HostResult[] = [
    { host: 'a', status: 'planned', plan: aPlan('a', { notes: ['x'.repeat(1e7)] }) },
  ]
  const text = planMarkdown('Plan', planTold(fleet))
  expect(text.length).toBeLessThan(20_000)
  expect(text).toContain('(10000000 characters)')
})

describe.each(HOSTILE)('a plan in which everything is %j', (evil) => {
  const lines = planMarkdown(evil, planTold(evilRun(evil).results)).split('\n')

  test('has no live HTML, link, image or mention outside of code', () => {
    for (const line of withoutCode(lines).map((each) => each.replace(/\\[!-/:-@[-`{-~]/g, '·')))
      expect(line).not.toMatch(/[<>&@]|\]\(|:\/\/|www\./)
  })

  test('has the lines that we wrote and no other', () => {
    const plain = planMarkdown('plain', planTold(evilRun('plain').results)).split('\n')
    expect(lines).toHaveLength(plain.length)
  })
})
