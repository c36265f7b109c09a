import { expect, test } from 'vitest'
import { checkWindow } from '../../src/cli/confirm-window.ts'

const QUICK = { of: 'tune', gates: [{ gate: 'login' }] } as const
const SLOW = { of: 'mine', gates: [{ gate: 'drops', withinSeconds: 120 }] } as const

test('a window that is over before the gates are is refused, with the one that asks longest and what it takes', () => {
  expect(() => checkWindow(60, [QUICK, SLOW])).toThrow(
    /--confirm-within: 60 s are too few: what mine asks before a change is kept may take 146 s.*--confirm-within 146s/s,
  )
  expect(() => checkWindow(145, [SLOW, QUICK])).toThrow(/too few/)
})

test('one that is long enough is not, nor is any where nothing is to be changed', () => {
  checkWindow(146, [SLOW, QUICK])
  checkWindow(60, [QUICK])
  checkWindow(1, [])
})
