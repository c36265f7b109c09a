import { expect, test } from 'vitest'
import { besideQuestions } from '../../src/cli/beside-questions.ts'
import { desk } from '../support/desk.ts'

test('what the work says waits until no question stands open, and nothing of it is drawn before the last answer', () => {
  const { terminal, said } = desk()
  const stood: string[] = []
  const live = { ...terminal, isLive: true, stand: (lines: readonly string[]) => void stood.push(...lines) }
  const { work, questions, catchUp, end } = besideQuestions(live)
  questions.say(['web-2?'])
  work.say(['web-1  applied'])
  work.stand(['Applying  1 of 2'])
  expect({ said, stood, isLive: work.isLive }).toEqual({ said: ['web-2?'], stood: [], isLive: false })
  catchUp()
  expect(said).toEqual(['web-2?', 'web-1  applied'])

  work.say(['web-2  applied'])
  end()
  work.say(['wave 2'])
  work.stand(['Applying  2 of 2'])
  expect(said.slice(2)).toEqual(['web-2  applied', 'wave 2'])
  expect({ stood, isLive: work.isLive }).toEqual({ stood: ['Applying  2 of 2'], isLive: true })
})

test('advice on leaving is that of the work once it has begun, whatever is planned anew meanwhile', () => {
  const { terminal, advice } = desk()
  const { work, questions } = besideQuestions(terminal)
  questions.interruption.adviseOnLeaving(() => ['Nothing was changed.'])
  expect(advice()).toEqual(['Nothing was changed.'])
  work.interruption.adviseOnLeaving(() => ['ctfleet resume 7f3a'])
  questions.interruption.adviseOnLeaving(() => ['Nothing was changed.'])
  expect(advice()).toEqual(['ctfleet resume 7f3a'])
})
