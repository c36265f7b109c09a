import { afterEach, expect, test, vi } from 'vitest'
import { printAbout } from '../../src/journal/about.ts'
import type { Fault } from '../../src/model/fault.ts'
import { refusedFor } from '../../src/run/drifted.ts'
import { scriptedPlan as plan, readingOf, type Said, scriptedHost } from '../support/scripted-host.ts'

const DRIFTED: Fault = { code: 'drifted', message: 'it is no longer as the plan saw it', next: 'plan again' }
const ASKER = { run: '20261126-0942-7f3a', by: 'ann@desk' }
const LISTED = [
  '# transaction aaa',
  `# about ${printAbout(ASKER, plan, new Date(0))}`,
  '1795700000 armed',
  '1795700060 committed',
  '# end',
]

afterEach(() => vi.restoreAllMocks())

async function told(value: string | null, list: Said = { lines: ['# end'] }, of = plan): Promise<string> {
  scriptedHost((asked, words) => {
    if (asked === 'list') return list
    return value === null ? { lost: [] } : readingOf(value, words)
  })
  return (await refusedFor(of, DRIFTED)).message
}

test('what differs is named, and who changed it where that was one of us', async () => {
  expect(await told('2', { lines: LISTED })).toBe(
    'it is no longer as the plan saw it. Seen since: "set net.core.somaxconn to 2" is done already; in force is tune of run 20261126-0942-7f3a by ann@desk, since 2026-11-26 13:34 UTC',
  )
  expect(await told('7')).toMatch(/Seen since: what "set net.core.somaxconn to 2" is to change is another now$/)
})

test('where what it changes is as it was, it is what else the plan rests on', async () => {
  expect(await told('1')).toMatch(
    /is as it was, so it is firewall rules that the plan rests on, or a restart of the host$/,
  )
  expect(await told('1', undefined, { ...plan, kept: ['x'] })).toMatch(/or a step that was right already, or a restart/)
})

test('a restart is told as one, as all else follows from it', async () => {
  const [then, now] = ['3f2a9c51-d0e8-77aa-9b0c-63a0e0a5d4b2', '4f2a9c51-d0e8-77aa-9b0c-63a0e0a5d4b2']
  const of = { ...plan, machine: `boot ${then}, network namespace net:[4026531840]` }
  const listed = (boot: string) => ({ lines: [`# machine ${boot} 12 net:[4026531840] `, '# end'] })
  expect(await told('2', listed(now), of)).toMatch(/Seen since: it was restarted$/)
  expect(await told('2', listed(then), of)).toMatch(/is done already$/)
})

test('a host that cannot be read any more, or not be asked, says no more than that it drifted', async () => {
  expect(await told(null, { lost: [] })).toBe(DRIFTED.message)
  vi.restoreAllMocks()
  scriptedHost(
    () => ({}),
    () => ({ code: 'auth', message: 'no', next: 'no' }),
  )
  expect(await refusedFor(plan, DRIFTED)).toEqual(DRIFTED)
})

test('other refusals are told as they are, and the host is not asked', async () => {
  const { asked } = scriptedHost(() => ({}))
  const locked: Fault = { ...DRIFTED, code: 'locked' }
  expect(await refusedFor(plan, locked)).toBe(locked)
  expect(asked).toEqual([])
})
