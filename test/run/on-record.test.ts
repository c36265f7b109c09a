import { expect, test } from 'vitest'
import type { HostResult } from '../../src/model/result.ts'
import { storyOnRecord } from '../../src/run/on-record.ts'
import type { Telling } from '../../src/run/story.ts'
import { aPlan } from '../report/fleet.ts'

const plan = aPlan('web-1')
const transaction = '3fe12545e6'
const telling: Telling = { signal: new AbortController().signal, onStage: () => {} }

function told(began: () => Promise<void>, story: (telling: Telling) => Promise<HostResult>) {
  const bugs: unknown[] = []
  const onBug = (bug: unknown) => bugs.push(bug)
  const recorded = { host: 'web-1', run: '20261126-0942-7f3a', plan, record: { began }, story, onBug }
  return { bugs, result: storyOnRecord(recorded, telling) }
}

test('a bug of ours after a change was on record keeps its transaction: the host can be asked for it', async () => {
  const bug = new TypeError('no such thing')
  const { bugs, result } = told(
    async () => {},
    async ({ onTransaction }) => {
      await onTransaction?.(transaction)
      throw bug
    },
  )
  expect(await result).toEqual({
    host: 'web-1',
    status: 'needs-hands',
    plan,
    transaction,
    fault: {
      code: 'bug',
      message: expect.stringMatching(/not known here: no such thing$/),
      next: expect.stringContaining('ctfleet resume 20261126-0942-7f3a'),
    },
  })
  expect(bugs).toEqual([bug])
})

test('a bug of ours before that is nothing but a bug', async () => {
  const story = async () => {
    throw new TypeError('no such thing')
  }
  await expect(told(async () => {}, story).result).rejects.toThrow('no such thing')
})

test('a change that cannot be put on record is not begun, and its host says why', async () => {
  const began = async () => {
    throw new Error('no space left')
  }
  const { bugs, result } = told(began, async ({ onTransaction }) => {
    await onTransaction?.(transaction)
    throw new Error('never reached')
  })
  expect(await result).toMatchObject({ status: 'failed', fault: { message: expect.stringContaining('no space left') } })
  expect(bugs).toEqual([])
})
