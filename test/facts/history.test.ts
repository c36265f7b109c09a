import { expect, test } from 'vitest'
import { history } from '../../src/facts/history.ts'
import { answers } from './answers.ts'

const read = (output: string) => {
  const { lastChangeAgeSeconds: age } = history.parse(answers({ history: output }))
  return age.known ? age.value : age.why
}
const journal = (id: string, ...records: readonly string[]) =>
  records.map((record) => `/var/lib/ctfleet/${id}/journal:${record}\n`).join('')

test('the newest transaction that was committed and still stands tells the age', () => {
  const older = journal('a', '1000 committed')
  expect(read(`now 5000\n${older}`)).toBe(4000)
  expect(read(`now 5000\n${journal('b', '4000 committed')}${older}`)).toBe(1000)
  expect(read(`now 5000\n${older}${journal('b', '4000 committed', '4500 rolled-back')}`)).toBe(4000)
  expect(read(`now 5000\n${journal('b', '4000 rolled-back')}`)).toBeNull()
  // A clock that was set back.
  expect(read(`now 500\n${older}`)).toBe(0)
})

test('no directory is an answer, one that only root may read is none', () => {
  expect(read('none\n')).toBeNull()
  expect(read('now 5000\n')).toBeNull()
  expect(read('unreadable\n')).toBe('only root may read /var/lib/ctfleet')
  expect(read('now \n')).toBe('date +%s printed no number')
})
