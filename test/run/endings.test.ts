import { expect, test } from 'vitest'
import { outOfReach } from '../../src/run/endings.ts'
import { newSeenJournal } from '../../src/run/journal-link.ts'
import { aFault } from '../report/fleet.ts'

/** What a person is told to do about a host of which nobody knows how it ended. */

const journal = newSeenJournal('3fe12545e6')

test('a host that does not answer can be asked again by the run, or read by hand', () => {
  const { message, next } = outOfReach(journal, { fault: aFault({ message: 'no route to it' }) })
  expect(message).toContain('(no route to it); an unconfirmed change takes itself back')
  expect(next).toMatch(/ctfleet resume with the id of this run; .* cat \/var\/lib\/ctfleet\/3fe12545e6\/journal$/)
})

test('of a transaction that is gone there is no journal to read, and nothing to resume', () => {
  const { message, next } = outOfReach(journal, 'gone')
  expect(message).toContain('(the transaction is no longer on the host)')
  expect(next).toBe('see what is in force there now: ctfleet plan')
})

test('a rollback that is lost takes nothing back by itself', () => {
  expect(outOfReach(journal, 'gone', 'rollback').message).not.toContain('takes itself back')
})
