import { describe, expect, test } from 'vitest'
import { DEFAULT_POLICY } from '../../src/audit/policy.ts'
import type { AuditFinding } from '../../src/model/audit.ts'
import type { Sample } from '../../src/model/history.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { auditRecorded } from '../../src/run/audit-host.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { aSample } from '../store/audit-on-record.ts'

const { playbooks } = loadPlaybooks('auto', STEP_KINDS)
const BOOT = '6f1c8a52-0000-4000-8000-000000000001'

const factsOf = (drop: number | null, boot: string | null = BOOT, races = 0) => {
  const second =
    drop === null
      ? unknown('no such file')
      : known({ at: 100, counters: { drop, early_drop: 0, insert_failed: races } })
  const first = drop === null ? second : known({ at: 98, counters: { drop, early_drop: 0, insert_failed: 0 } })
  const bootId = boot === null ? unknown('no such file') : known(boot)
  return factsWith({ counters: { first, second }, system: { bootId } })
}

/** @param hours since the sample was taken; @param races for one entry, counted since the boot */
function since(sample: Partial<Sample> | null, drop: number | null, boot: string | null = BOOT, hours = 6, races = 0) {
  const at = new Date(Date.now() - hours * 3_600_000).toISOString()
  const earlier = sample === null ? undefined : new Map([['web-1', aSample(at, sample)]])
  const read = { host: 'web-1', status: 'read', facts: factsOf(drop, boot, races) } as const
  const result = auditRecorded(read, { policy: DEFAULT_POLICY, playbooks, where: null, earlier })
  if (result.status !== 'audited') throw new Error(result.status)
  return result.findings.find(({ rule }) => rule === 'dropped-since') as AuditFinding | undefined
}

test('what the counter grew by since then is told, with the time and the rate', () => {
  expect(since({ drops: 100 }, 700)).toMatchObject({
    severity: 'warning',
    title: '600 packets dropped since it was last looked at, 6 h ago, 100 an hour',
    evidence: [expect.stringMatching(/^drop: 100 at \d{4}-\d\d-\d\d \d\d:\d\d UTC, 700 now$/)],
    threshold: 'one packet since then',
  })
  expect(since({ drops: 100 }, 101)?.title).toBe('1 packet dropped since it was last looked at, 6 h ago, 0.2 an hour')
})

test('nothing where the counter stands, where nobody looked before, and where it cannot be read', () => {
  expect(since({ drops: 100 }, 100)).toBeUndefined()
  expect(since(null, 700)).toBeUndefined()
  expect(since({ drops: null }, 700)).toBeUndefined()
  expect(since({ drops: 100 }, null)).toBeUndefined()
})

describe('a host that was restarted meanwhile', () => {
  test('has lost at least what it counted since', () => {
    expect(since({ drops: 100 }, 7, 'another')).toMatchObject({
      severity: 'warning',
      title: 'at least 7 packets dropped since it was last looked at, 6 h ago',
    })
  })
  test('has lost nothing by races for one entry, which the kernel counts as drops too', () => {
    expect(since({ drops: 100 }, 7, 'another', 6, 7)?.severity).toBe('info')
    expect(since({ drops: 100 }, 7, 'another', 6, 4)?.title).toMatch(/^at least 3 packets dropped /)
  })
  test('cannot tell, which is no warning, and not no loss', () => {
    expect(since({ drops: 100 }, 0, 'another')).toMatchObject({
      severity: 'info',
      title: 'cannot tell how many packets were dropped since it was last looked at, 6 h ago',
      evidence: ['it was restarted meanwhile', expect.stringContaining('cannot be told: its counters began anew')],
    })
  })
  test('is not taken for one where its boot id was not read', () => {
    expect(since({ drops: 100 }, 700, null)).toBeUndefined()
    expect(since({ drops: 100, boot: null }, 700)).toBeUndefined()
  })
})
