import { expect, test } from 'vitest'
import { newNotes } from '../../src/transport/notes.ts'

test('each note is told once for each host, and once for all of whom it is true', () => {
  const notes = newNotes()
  for (const host of ['a', 'b', 'a']) notes.add(host, 'one way')
  notes.add('a', 'another')
  expect(notes.take()).toEqual([
    { note: 'one way', hosts: ['a', 'b'] },
    { note: 'another', hosts: ['a'] },
  ])
  notes.add('b', 'one way')
  notes.add('c', 'one way')
  expect(notes.take()).toEqual([{ note: 'one way', hosts: ['c'] }])
  expect(notes.take()).toEqual([])
})
