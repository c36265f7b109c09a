import { expect, test } from 'vitest'
import { secondsFrom } from '../../src/cli/arguments.ts'
import { askedBy, askedOf, checkWindow, windowWords } from '../../src/cli/confirm-window.ts'
import type { Playbook } from '../../src/playbook/playbook.ts'
import { aPlan } from '../report/fleet.ts'

const QUICK = { of: 'tune', gates: [{ gate: 'login' }] } as const
const SLOW = { of: 'mine', gates: [{ gate: 'drops', withinSeconds: 120 }] } as const

test('a window that is over before the gates are is refused, with the one that asks longest and what it takes', () => {
  expect(() => checkWindow(60, [QUICK, SLOW])).toThrow(
    /--confirm-within: 60 s are too few: what mine asks before a change is kept may take 146 s.*--confirm-within 146s/s,
  )
  expect(() => checkWindow(145, [SLOW, QUICK])).toThrow(/too few/)
})

test('what is to be typed next names the window, where the usual one is too short', async () => {
  expect(windowWords([QUICK])).toEqual([])
  expect(windowWords([])).toEqual([])
  const words = windowWords([QUICK, SLOW])
  expect(words).toEqual(['--confirm-within', '146s'])
  checkWindow(secondsFrom('--confirm-within', words[1] ?? '', { least: 10, most: 3600 }), [QUICK, SLOW])
})

test('a saved plan is asked what its plans ask, and without one every playbook that may be chosen', () => {
  const gates = [{ gate: 'drops', withinSeconds: 120 }] as const
  const plan = aPlan('web-1')
  expect(
    windowWords(
      askedOf([
        { host: 'web-1', status: 'planned', plan },
        { host: 'web-2', status: 'not-reached', why: 'stopped' },
      ]),
    ),
  ).toEqual([])
  const mine = { name: 'mine', verify: gates } as unknown as Playbook
  expect(windowWords(askedBy({ strategy: 'auto', playbooks: [mine] }))).toEqual(['--confirm-within', '146s'])
  expect(windowWords(askedBy({ strategy: 'tune', playbooks: [mine] }))).toEqual([])
})

test('one that is long enough is not, nor is any where nothing is to be changed', () => {
  checkWindow(146, [SLOW, QUICK])
  checkWindow(60, [QUICK])
  checkWindow(1, [])
})
