import { expect, test } from 'vitest'
import type { AuditChanges, SinceLast } from '../../../src/model/history.ts'
import { sinceText } from '../../../src/report/text/since.ts'
import { aFinding } from '../../store/audit-on-record.ts'
import { aFault } from '../fleet.ts'
import { plain } from '../paper.ts'

const NOTHING: AuditChanges = { new: [], worse: [], better: [], gone: [], lost: [], back: [], left: [] }
const AUDIT = { id: '20261126-0942-7f3a', startedAt: '2026-11-26T09:42:00.000Z', by: 'alice@bastion' }

function told(changes: Partial<AuditChanges>, audit: SinceLast['audit'] = AUDIT): readonly string[] {
  return sinceText(plain(80), { audit, changes: { ...NOTHING, ...changes } })
}

test('which audit it was, and that nothing changed', () => {
  expect(told({})).toEqual([
    'Since audit 20261126-0942-7f3a of 2026-11-26 09:42 UTC by alice@bastion: nothing',
    'changed',
  ])
})

test('what is gone, better and worse, rule by rule, and who came and went', () => {
  const [full, critical] = [aFinding('near-full'), aFinding('near-full', 'critical')]
  const lines = told({
    new: [{ host: 'a', finding: full }],
    worse: [{ host: 'b', before: full, finding: critical }],
    better: [{ host: 'c', before: critical, finding: full }],
    gone: [
      { host: 'd', finding: full },
      { host: 'e', finding: full },
      { host: null, finding: aFinding('waiver-over') },
    ],
    lost: [{ host: 'f', status: 'unreachable', fault: aFault() }],
    back: ['g'],
    left: ['h'],
  })
  expect(lines.slice(0, 2).join(' ')).toMatch(/: 1 new, 1 worse, 1 better, 3 gone$/)
  expect(lines.slice(2)).toEqual([
    '  gone    near-full: d, e',
    '  gone    waiver-over: the policy',
    '  better  near-full: critical then, warning now: c',
    '  worse   near-full: warning then, critical now: b',
    '  lost    could not be audited this time: f',
    '  back    could not be audited then, and can be now: g',
    '  left    1 host not asked about now: h',
  ])
})

test('hosts alone may have changed', () => {
  expect(
    told({ back: ['g'] })
      .slice(0, 2)
      .join(' '),
  ).toMatch(/: no finding changed$/)
  expect(told({ new: [{ host: 'a', finding: aFinding('near-full') }] }, null)).toEqual(['No earlier audit: 1 new'])
})

test('hostile names are shown and not obeyed', () => {
  expect(told({ left: ['a\u001b[2Jb'], gone: [{ host: 'c\nd', finding: aFinding('x\u202ey') }] }).join('\n')).toMatch(
    /x\\u\{202e\}y: c\\nd[\s\S]*a\\x1b\[2Jb/,
  )
})
