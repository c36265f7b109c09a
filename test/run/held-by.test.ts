import { describe, expect, test } from 'vitest'
import { DEFAULT_THRESHOLDS } from '../../src/diagnosis/thresholds.ts'
import type { LockHolder } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { explanationOf } from '../../src/run/explain-host.ts'
import { heldBy } from '../../src/run/held-by.ts'
import type { Wish } from '../../src/run/judge-host.ts'
import { explainRecorded, foretellRecorded } from '../../src/run/offline.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

const UNFINISHED: LockHolder = {
  transaction: '7f3a',
  since: 1_795_600_000,
  asker: { run: '20261126-0942-7f3a', by: 'ann@desk' },
  until: null,
  beforeRestart: false,
  seenAt: 1_795_600_060,
}
const FIRST_AID = { ...UNFINISHED, until: 1_795_603_600 }

test('who has the host is told, with what to type', () => {
  expect(heldBy(UNFINISHED)).toEqual({
    code: 'locked',
    message: 'it is locked since 2026-11-25 09:46 UTC by transaction 7f3a of run 20261126-0942-7f3a by ann@desk',
    next: 'wait for it to end; if its ctfleet is gone, as ann@desk: ctfleet resume 20261126-0942-7f3a',
  })
  expect(heldBy(FIRST_AID)).toEqual({
    code: 'locked',
    message:
      'first aid of run 20261126-0942-7f3a by ann@desk stands until 2026-11-25 10:46 UTC, and takes itself back then',
    next: 'ctfleet rollback 20261126-0942-7f3a, then the same command again; or wait until 2026-11-25 10:46 UTC',
  })
})

test('whoever began the run is told the command alone', () => {
  const { next } = heldBy(UNFINISHED, 'ann@desk')
  expect(next).toBe('wait for it to end; if its ctfleet is gone: ctfleet resume 20261126-0942-7f3a')
})

test('nobody is told to wait for what a restart cut off, nor until a moment that is past', () => {
  const cutOff = heldBy({ ...UNFINISHED, beforeRestart: true })
  expect(cutOff.message).toMatch(/which a restart of the host cut off$/)
  expect(cutOff.next).toBe('as ann@desk: ctfleet resume 20261126-0942-7f3a')
  const late = heldBy({ ...FIRST_AID, seenAt: FIRST_AID.until })
  expect(late.message).toMatch(/was to take itself back at 2026-11-25 10:46 UTC, and still stands$/)
  expect(late.next).toMatch(/or wait a minute$/)
})

describe('a host that a transaction has is never healthy', () => {
  const wish: Wish = {
    strategy: 'auto',
    playbooks: [],
    ports: null,
    thresholds: DEFAULT_THRESHOLDS,
  }
  const facts = (holder: LockHolder | null) => factsWith({ lock: { holder: known(holder) } })
  const recorded = (holder: LockHolder | null) => ({ host: 'web-1', status: 'read', facts: facts(holder) }) as const

  test('without a lock it is, and so it is where the lock could not be read', () => {
    expect(foretellRecorded(recorded(null), wish).status).toBe('healthy')
    const unread = factsWith({ lock: { holder: unknown('only root may read it') } })
    expect(explanationOf(unread, wish)).toMatchObject({ locked: null, health: 'healthy' })
  })

  test.each([UNFINISHED, FIRST_AID])('$until', (holder) => {
    const fault = heldBy(holder)
    expect(foretellRecorded(recorded(holder), wish)).toMatchObject({ status: 'blocked', fault, why: fault.message })
    expect(explainRecorded(recorded(holder), wish)).toMatchObject({
      explanation: { locked: fault, health: 'cannot-tell', choice: { strategy: null, why: fault.message } },
    })
  })
})
