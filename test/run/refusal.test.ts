import { describe, expect, test } from 'vitest'
import { type JournalRecord, parseRecord } from '../../src/journal/records.ts'
import { refusal } from '../../src/run/refusal.ts'

/** Why nothing was begun, from the very line that the host writes. */
const refused = (detail: string) => {
  const records = [parseRecord(`1795700000 refused ${detail}`)] as readonly JournalRecord[]
  expect(records).not.toContain(null)
  return refusal({ transaction: '3fe12545e6', records: [...records], lines: 1, passed: 0 })
}

test('a lock is told with its holder, and what to type', () => {
  expect(refused('locked 7f3a since 1795600000 run 20261126-0942-7f3a by ann@desk')).toEqual({
    code: 'locked',
    message: 'it is locked since 2026-11-25 09:46 UTC by transaction 7f3a of run 20261126-0942-7f3a by ann@desk',
    next: 'wait for it to end; if its ctfleet is gone, as ann@desk: ctfleet resume 20261126-0942-7f3a',
  })
})

test('first aid that keeps the lock is told as what it is', () => {
  const { message } = refused('locked 7f3a since 1795600000 until 1795703600 run 20261126-0942-7f3a by ann@desk')
  expect(message).toBe(
    'first aid of run 20261126-0942-7f3a by ann@desk stands until 2026-11-26 14:33 UTC, and takes itself back then',
  )
})

test('of a lock whose first lines alone are there the holder is told', () => {
  expect(refused('locked 7f3a since  ')).toMatchObject({
    message: 'it is locked by transaction 7f3a',
    next: 'wait for it to end, or look at /var/lib/ctfleet/7f3a/journal on the host',
  })
})

test('a lock that could not be written has no holder, and nobody is sent to look at one', () => {
  const { message, next } = refused('locked  since  ')
  expect(message).toMatch(/could not be taken, and names nobody: it may be that nothing can be written there/)
  expect(next).not.toMatch(/another transaction|journal/)
  expect(next).toMatch(/df \/var\/lib\/ctfleet/)
})

describe('each reason has its own sentence and its own next move', () => {
  test.each([
    ['disk', /could not be written to \/var\/lib\/ctfleet/, /df -i/],
    ['closed', /closed this change on the host before it began/, /^plan again: ctfleet plan$/],
    ['stage sh: /etc/x: Read-only file system', /made ready \(sh: .*Read-only file system\)/, /directories/],
    ['switch', /dead-man's switch did not start within 10 s/, /too busy/],
  ])('%s', (detail, message, next) => {
    const fault = refused(detail)
    expect(fault.code).toBe('step-failed')
    expect(fault.message).toMatch(message)
    expect(fault.message).toMatch(/; nothing was touched$/)
    expect(fault.next).toMatch(next)
  })

  test('only a full or read-only disk is said to be one', () => {
    for (const detail of ['switch', 'closed', 'drifted']) expect(refused(detail).next).not.toMatch(/disk|mount|df /)
  })
})

test('a reason of a later version is told as it stands', () => {
  expect(refused('tired of it').message).toBe(
    'transaction 3fe12545e6 could not begin (tired of it); nothing was touched',
  )
})
