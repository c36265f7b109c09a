import type { Finding } from '../../src/model/finding.ts'
import type { GateOutcome, Plan } from '../../src/model/plan.ts'
import type { HostResult } from '../../src/model/result.ts'
import type { Run } from '../../src/model/run.ts'
import { aChange, aFault, aPlan, aRun, ENDED_FLEET } from './fleet.ts'

const FULL: Finding = {
  rule: 'near-full',
  severity: 'critical',
  title: 'table 96 % full (251 658 of 262 144 entries)',
  evidence: ['usage: 96 %, and 75 % is too much'],
  table: { entries: 251_658, max: 262_144 },
}

const DROPS = {
  gate: 'drops',
  mostPerSecond: 0,
  withinSeconds: 10,
  beforePerSecond: 620,
  because: 'it has room',
} as const

const underPressure = (host: string): Plan => aPlan(host, { findings: [FULL], gates: [{ gate: 'login' }, DROPS] })

const CHECKED: readonly GateOutcome[] = [
  { gate: 'login', held: true, message: 'a new login works' },
  {
    gate: 'drops',
    held: true,
    message: '0 packets a second are dropped for want of room (620 before the change, the table is 16 % full)',
    seen: { perSecond: 0, table: { entries: 251_700, max: 1_572_864 } },
  },
]

/** A run in which all that can be told of one happened: each way to end, numbers before and after, a yes of each kind. */
export const INCIDENT: Run = aRun({
  results: [
    ...ENDED_FLEET,
    { host: 'lb-1', status: 'applied', plan: underPressure('lb-1'), transaction: '5fe12545e6', checked: CHECKED },
    { host: 'lb-2', status: 'applied', plan: underPressure('lb-2'), transaction: '6fe12545e6', checked: CHECKED },
  ],
  approvals: [
    { host: 'lb-1', plan: 'a1', by: 'alice@bastion', at: '2026-11-26T09:42:20.000Z', how: 'asked' },
    { host: 'lb-2', plan: 'a2', by: 'alice@bastion', at: '2026-11-26T09:42:24.000Z', how: 'same-change' },
    {
      host: 'web-1',
      plan: 'a3',
      by: 'bob@bastion',
      at: '2026-11-26T09:42:11.000Z',
      how: 'file',
      note: 'go.txt:3 CHG-7',
    },
  ],
})

/** A run in which everything that anybody could send is `evil`. */
export function evilRun(evil: string): Run {
  const change = aChange({
    title: evil,
    shown: { before: [evil, 'same'], after: [`${evil}${evil} `, 'same'] },
    notes: [evil],
  })
  const finding: Finding = { ...FULL, title: evil, evidence: [evil] }
  const plan = aPlan(evil, {
    strategy: evil,
    considered: [{ strategy: evil, verdict: 'unsure', reasons: [evil], vars: { [evil]: 1 } }],
    findings: [finding],
    changes: [change],
    kept: [evil],
    notes: [evil],
    rollbackNotes: [evil],
    sessionLoss: [evil],
    gates: [{ ...DROPS, because: evil }],
    id: evil,
  })
  const fault = aFault({ message: evil, next: evil })
  const results: readonly HostResult[] = [
    {
      host: evil,
      status: 'applied',
      plan,
      transaction: '3fe12545e6',
      checked: [{ gate: 'drops', held: false, message: evil }],
    },
    { host: `${evil}2`, status: 'needs-hands', plan, transaction: '4fe12545e6', fault },
    { host: `${evil}3`, status: 'unreachable', fault },
    { host: `${evil}4`, status: 'blocked', findings: [finding], considered: [], why: evil },
    { host: `${evil}5`, status: 'declined', plan, why: evil },
  ]
  const yes = { host: evil, plan: evil, by: evil, at: '2026-11-26T09:42:20.000Z', how: 'file', note: evil } as const
  return aRun({ by: evil, inventory: evil, of: evil, results, approvals: [yes] })
}
