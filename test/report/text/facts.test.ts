import { describe, expect, test } from 'vitest'
import { unknown } from '../../../src/model/reading.ts'
import type { FactsResult } from '../../../src/model/result.ts'
import { factsText, told } from '../../../src/report/text/facts.ts'
import { FULL_WEB_SERVER } from '../a-host.ts'
import { aFault } from '../fleet.ts'
import { plain } from '../paper.ts'

const RESULTS: readonly FactsResult[] = [
  { host: 'web-1', status: 'read', facts: FULL_WEB_SERVER },
  { host: 'db-3', status: 'unreachable', fault: aFault() },
  { host: 'db-4', status: 'not-reached', why: 'the run was stopped before its turn' },
]

describe('the facts of hosts', () => {
  test.each([80, 200])('on %i columns', async (columns) => {
    const text = factsText(plain(columns), RESULTS).join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot(`../screens/facts-${columns}.txt`)
  })
})

test('the report is the same where the part of each host was written as soon as it was read', () => {
  const paper = plain(80)
  expect(
    factsText(
      paper,
      RESULTS.map((result) => told(paper, result)),
    ),
  ).toEqual(factsText(paper, RESULTS))
})

test('a host that tracks nothing is said to in one line', () => {
  const conntrack = { ...FULL_WEB_SERVER.conntrack, generation: { known: true, value: 'none' } } as const
  const text = factsText(plain(80), [{ host: 'a', status: 'read', facts: { ...FULL_WEB_SERVER, conntrack } }])
  expect(text).toContain('    conntrack           not there: nothing is tracked')
})

test('what is not known says why, in the place of a value', () => {
  const memory = { total: unknown('/proc/meminfo has no MemTotal line'), available: unknown('nor MemAvailable') }
  const text = factsText(plain(80), [{ host: 'a', status: 'read', facts: { ...FULL_WEB_SERVER, memory } }])
  expect(text).toContain('    memory              not known: /proc/meminfo has no MemTotal line')
})

test('why root was not to be had is told once, above all that is not known for it', () => {
  const notRoot = { code: 'no-privilege', message: 'sudo is not there', next: 'Install sudo' } as const
  const text = factsText(plain(80), [{ host: 'a', status: 'read', facts: FULL_WEB_SERVER, notRoot }])
  expect(text.slice(0, 3)).toEqual(['a', '  sudo is not there', '  Next: Install sudo'])
})

test('a transaction that has the host is told with whose it is', () => {
  const shown = (until: number | null) => {
    const asker = { run: '20261126-0942-7f3a', by: 'ann@desk' }
    const lock = {
      transaction: '7f3a',
      since: 1_795_600_000,
      asker,
      until,
      beforeRestart: false,
      seenAt: 1_795_600_060,
    }
    const facts = { ...FULL_WEB_SERVER, lock: { holder: { known: true, value: lock } } } as const
    return factsText(plain(200), [{ host: 'a', status: 'read', facts }]).join('\n')
  }
  const whose = 'locked              by transaction 7f3a of run 20261126-0942-7f3a by ann@desk'
  expect(shown(null)).toContain(`${whose}, which is not over\n`)
  expect(shown(1_795_603_600)).toContain(`${whose}, first aid until 2026-11-25 10:46 UTC\n`)
})

test('a parameter of the kernel command line is no setting', () => {
  const shown = (settings: { readonly [key: string]: string }) => {
    const conntrack = { ...FULL_WEB_SERVER.conntrack, settings: { known: true, value: settings } } as const
    return factsText(plain(80), [{ host: 'a', status: 'read', facts: { ...FULL_WEB_SERVER, conntrack } }]).join('\n')
  }
  const off = shown({ acct: '0', enable_hooks: '0' })
  expect(off).toContain('    settings            acct 0\n')
  expect(off).toContain('    boot command line   does not name nf_conntrack.enable_hooks\n')
  expect(shown({ enable_hooks: '1' })).toContain(
    '    boot command line   names nf_conntrack.enable_hooks: tracks without',
  )
  expect(shown({ acct: '0' })).not.toContain('boot command line')
})
