import { expect, test } from 'vitest'
import { checkAll, complainAbout } from '../../src/cli/checks.ts'
import { type Complaint, InputError } from '../../src/input/complaint.ts'

const MANY = 500_000

test('of more mistakes than anybody reads the first are kept, and how many there are besides', async () => {
  const complaints = Array.from({ length: MANY }, (_, at): Complaint => {
    return { file: 'ids.txt', line: at + 1, column: 1, path: '', message: 'is no id', hint: null }
  })
  const checked = checkAll({
    file: () => {
      throw new InputError(complaints)
    },
    format: () => {
      throw complainAbout('--format', 'is none')
    },
  })
  const error = await checked.catch((thrown: unknown) => thrown)
  if (!(error instanceof InputError)) throw error
  expect(error.complaints.length + error.more).toBe(MANY + 1)
  expect(error.complaints.length).toBeLessThanOrEqual(1000)
  expect(error.message.split('\n')).toHaveLength(error.complaints.length)
})
