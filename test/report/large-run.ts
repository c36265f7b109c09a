import type { HostResult } from '../../src/model/result.ts'
import type { Run } from '../../src/model/run.ts'
import { aFault, aPlan, aRun } from './fleet.ts'

/** A run over as many hosts, each with numbers of its own; most are changed, a few are not reached or taken back. */
export function largeRun(hosts: number): Run {
  const results = Array.from({ length: hosts }, (_, at) => resultOf(`web-${at + 1}.dc${at % 3}.example.org`, at))
  const approvals = results.map(
    ({ host }) =>
      ({ host, plan: 'a1', by: 'alice@bastion', at: '2026-11-26T09:42:20.000Z', how: 'same-change' }) as const,
  )
  return aRun({ results, approvals })
}

function resultOf(host: string, at: number): HostResult {
  const entries = 180_000 + ((at * 7919) % 82_000)
  const share = Math.round(entries / 2621.44)
  const plan = aPlan(host, {
    strategy: at % 5 === 0 ? 'notrack' : 'tune',
    findings: [
      {
        rule: 'near-full',
        severity: share >= 95 ? 'critical' : 'warning',
        title: `table ${share} % full`,
        evidence: [`${entries} of 262144 entries`],
        table: { entries, max: 262_144 },
      },
    ],
    gates: [
      { gate: 'drops', mostPerSecond: 0, withinSeconds: 10, beforePerSecond: (at * 37) % 900, because: 'it has room' },
    ],
  })
  if (at % 40 === 7)
    return { host, status: 'unreachable', fault: aFault({ message: `${host} did not answer on port 22` }) }
  const transaction = `${at}aabbccdd`.slice(0, 10)
  if (at % 40 === 9) {
    const fault = aFault({
      code: 'not-verified',
      message: 'port 443 no longer answered',
      next: 'plan again: ctfleet plan',
    })
    return {
      host,
      status: 'rolled-back',
      plan,
      transaction,
      checked: [{ gate: 'ports', held: false, message: 'port 443 no longer answered' }],
      fault,
    }
  }
  const seen = { perSecond: 0, table: { entries: entries + 500, max: 1_572_864 } }
  return {
    host,
    status: 'applied',
    plan,
    transaction,
    checked: [{ gate: 'drops', held: true, message: 'no packet is dropped', seen }],
  }
}
