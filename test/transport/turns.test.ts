import { expect, test } from 'vitest'
import { newTurns } from '../../src/transport/turns.ts'

const forever = new AbortController().signal

test('so many at a time, the others in order, and one who leaves is passed over', async () => {
  const turns = newTurns(2)
  const came: string[] = []
  const take = async (name: string, signal = forever) => {
    const giveBack = await turns.take(signal)
    if (giveBack !== undefined) came.push(name)
    return giveBack
  }
  const [first, second] = [await take('first'), await take('second')]
  const leaving = new AbortController()
  const left = take('left', leaving.signal)
  const [third, fourth] = [take('third'), take('fourth')]
  leaving.abort()
  expect(await left).toBeUndefined()
  expect(came).toEqual(['first', 'second'])
  first?.()
  // Given back twice is given back once.
  first?.()
  await third
  expect(came).toEqual(['first', 'second', 'third'])
  second?.()
  await fourth
  expect(came).toEqual(['first', 'second', 'third', 'fourth'])
  expect(await take('late', AbortSignal.abort())).toBeUndefined()
})
