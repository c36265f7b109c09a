import { expect, test } from 'vitest'
import { checkAll, complainAbout } from '../../src/cli/checks.ts'
import { type Complaint, InputError } from '../../src/input/complaint.ts'

const MANY = 500_000

test('of more mistakes than anybody reads all are counted, and the message has the first thousand', async () => {
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
  expect(error.complaints).toHaveLength(MANY + 1)
  expect(error.message.split('\n')).toHaveLength(1000)
})
