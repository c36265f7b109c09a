import { expect, test } from 'vitest'
import type { Fault } from '../../../src/model/fault.ts'
import type { HostResult } from '../../../src/model/result.ts'
import { diffRows } from '../../../src/report/text/diff.ts'
import { byCause, causeOf } from '../../../src/report/text/fault.ts'
import { planText } from '../../../src/report/text/plan.ts'
import { resultText } from '../../../src/report/text/result.ts'
import { plain } from '../paper.ts'

const silent = (address: string): Fault => ({
  code: 'connect-timed-out',
  message: `no answer from ${address} port 22 in 5 tries: it is down`,
  next: 'Try again',
})
const lost = (host: string, fault: Fault): HostResult => ({ host, status: 'unreachable', fault })

const FLEET: readonly HostResult[] = [
  lost('web-1', silent('198.18.0.1')),
  lost('web-2', { code: 'auth', message: 'login as ops was refused: offered were ~/.ssh/id_rsa', next: 'ssh-add' }),
  lost('web-3', silent('fd00:198:18::3')),
  lost('db-1', silent('db-1')),
]

test('hosts that are out of reach for the same reason are told of once, wherever they are', () => {
  expect(planText(plain(200), FLEET).slice(2)).toEqual([
    '',
    'web-1, web-3, db-1: unreachable',
    '  web-1: no answer from 198.18.0.1 port 22 in 5 tries: it is down; the 2 others are alike',
    '  Next: Try again',
    expect.stringContaining('Is its table full'),
    '',
    'web-2: unreachable',
    '  login as ops was refused: offered were ~/.ssh/id_rsa',
    '  Next: ssh-add',
  ])
})

test('after a change each host has its line, and each cause is said once', () => {
  expect(resultText(plain(200), FLEET)).toEqual([
    'web-1  unreachable    connect-timed-out',
    'web-3  unreachable    connect-timed-out',
    'db-1   unreachable    connect-timed-out',
    '    web-1: no answer from 198.18.0.1 port 22 in 5 tries: it is down; the 2 others are alike',
    '    Next: Try again',
    'web-2  unreachable    auth',
    '    login as ops was refused: offered were ~/.ssh/id_rsa',
    '    Next: ssh-add',
    '4 hosts: 4 unreachable',
  ])
})

test('where the words are the same for all, none of them stands for the others', () => {
  const fault: Fault = { code: 'cancelled', message: 'cancelled from here', next: 'Run the same command again' }
  const text = planText(plain(200), [lost('a', fault), lost('b', fault)])
  expect(text).toContain('  cancelled from here')
})

test('causes that a person mends in different ways stay apart', () => {
  const keyOf = (fault: Fault) => causeOf(lost('a', fault))
  expect(keyOf(silent('a'))).toBe(keyOf(silent('10.0.0.7')))
  expect(keyOf(silent('a'))).not.toBe(keyOf({ ...silent('a'), code: 'refused' }))
  expect(keyOf({ ...silent('a'), message: 'the server takes password' })).not.toBe(
    keyOf({ ...silent('a'), message: 'the server takes publickey' }),
  )
})

test('hosts behind the same jump host are one group, those behind another are not', () => {
  const behind = (at: number, jump: string) => {
    const message = `nothing listens on 198.18.3.${at} port 22, says the jump host ${jump}`
    return lost(`web-${at}`, { code: 'refused', message, next: 'Try again' })
  }
  const groups = byCause([behind(1, 'root@198.18.0.1'), behind(2, 'root@198.18.0.2'), behind(3, 'root@198.18.0.1')])
  expect(groups.map((group) => group.map(({ host }) => host))).toEqual([['web-1', 'web-3'], ['web-2']])
})

test('hosts that were never begun are one group for each reason', () => {
  const stopped = (host: string, why: string): HostResult => ({ host, status: 'not-reached', why })
  const groups = byCause([stopped('a', 'stopped'), stopped('b', 'too many failed'), stopped('c', 'stopped')])
  expect(groups.map((group) => group.map(({ host }) => host))).toEqual([['a', 'c'], ['b']])
})

test('a host that sends words without end, or spaces without end, holds up nobody', () => {
  const fault: Fault = { code: 'unreadable', message: '<i>'.repeat(350_000), next: 'look' }
  expect(byCause([lost('a', fault), lost('b', fault)])).toHaveLength(1)
  const shown = { before: [], after: [`${' '.repeat(1_000_000)}x`] }
  expect(diffRows(shown)).toEqual([{ sign: '+', text: shown.after[0] }])
})
