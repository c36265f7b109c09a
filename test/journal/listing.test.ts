import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { parseAbout, printAbout, printAsker } from '../../src/journal/about.ts'
import { parseListing } from '../../src/journal/listing.ts'
import { aPlan } from '../support/a-plan.ts'

const ASKER = { run: '20261126-0942-7f3a', by: 'ann@desk' }
const ABOUT = printAbout(ASKER, aPlan, new Date('2026-11-26T09:42:00Z'))

test('what a host lists is read back, one transaction after the other', () => {
  const output = `# transaction a1
# about ${ABOUT}
# carried
1 armed
2 applied
# transaction b2
# about not ours
# restarted
1 armed
?1 a line that is no record
3 committed
# transaction c3
# never
# end
`
  const listed = parseListing(output)
  expect(listed?.map(({ id, carried, restarted, never }) => [id, carried, restarted, never])).toEqual([
    ['a1', true, false, false],
    ['b2', false, true, false],
    ['c3', false, false, true],
  ])
  expect(listed?.[0]?.about).toMatchObject({ run: ASKER.run, by: ASKER.by, host: 'web-9' })
  expect(listed?.[1]?.about).toBeNull()
  expect(listed?.map(({ records }) => records.map(({ word }) => word))).toEqual([
    ['armed', 'applied'],
    ['armed', 'committed'],
    [],
  ])
})

test('a list that ended early is none', () => {
  expect(parseListing('# transaction a1\n1 armed\n')).toBeNull()
})

test('what it is about stays one line of a few thousand bytes, whatever it is called', () => {
  const [change] = aPlan.changes
  if (change === undefined) throw new Error('a plan with a change is wanted')
  const changes = Array.from({ length: 90 }, () => ({ ...change, title: `é\n\u001b[31m${'x'.repeat(900)}` }))
  const line = printAbout({ run: 'r', by: 'é\n' }, { ...aPlan, changes }, new Date(0))
  expect(line.length).toBeLessThan(4000)
  expect(line).toMatch(/^[ -~]+$/)
  expect(parseAbout(line)?.changes).toHaveLength(20)
  expect(printAsker({ run: 'r', by: 'a\nb' })).toBe('run r by a?b')
})

property.prop([fc.string(), fc.array(fc.constantFrom('# transaction x', '# about {}', '1 armed', '# end', '\u0000'))])(
  'whatever a host prints, reading it never throws',
  (noise, rows) => {
    expect(() => parseListing([...rows, noise].join('\n'))).not.toThrow()
    expect(() => parseAbout(noise)).not.toThrow()
  },
)
