import { expect, test } from 'vitest'
import type { Answer } from '../../src/cli/ask.ts'
import { askEach } from '../../src/cli/ask-each.ts'

async function answered(...answers: readonly (Answer | 'interrupted')[]) {
  const shown: string[] = []
  const asked: string[] = []
  const left = [...answers]
  const decisions = await askEach(['a', 'b', 'c'], {
    ask: async (question) => {
      asked.push(question)
      return left.shift() ?? 'interrupted'
    },
    question: (one) => `${one}?`,
    show: (one) => shown.push(one),
  })
  return { decisions, asked, shown }
}

test('each is asked about in turn, and may be shown first', async () => {
  expect(await answered('yes', 'show', 'no', 'skip')).toEqual({
    decisions: ['yes', 'declined', 'skipped'],
    asked: ['a?', 'b?', 'b?', 'c?'],
    shown: ['b'],
  })
})

test('an answer for the rest is the last one', async () => {
  expect(await answered('no', 'rest')).toMatchObject({ decisions: ['declined', 'yes', 'yes'], asked: ['a?', 'b?'] })
  expect(await answered('yes', 'quit')).toMatchObject({ decisions: ['yes', 'skipped', 'skipped'] })
})

test('whoever breaks off has decided nothing', async () => {
  expect(await answered('yes', 'interrupted')).toMatchObject({ decisions: 'interrupted' })
})
