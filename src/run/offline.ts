import type { Facts } from '../model/facts.ts'
import type { ExplainResult, FactsResult, ForetoldResult, LeftOut } from '../model/result.ts'
import { indicativePlan } from '../plan/indicative.ts'
import { untracksIn } from '../strategies/wanted-of-table.ts'
import { explanationOf } from './explain-host.ts'
import { blockedBy, judgeHost, notesOn, statusWithout, stepsOf, type Wish } from './judge-host.ts'
import { leftOutBy } from './where.ts'

/** From facts that were recorded earlier: no host is contacted, and a host whose facts could not be read stays what it was. */

export function explainRecorded(recorded: FactsResult, wish: Wish): ExplainResult | LeftOut {
  if (recorded.status !== 'read') return asRecorded(recorded)
  const { host, facts, notRoot } = recorded
  const leftOut = leftOutBy(wish.where, host, facts)
  return leftOut ?? { host, status: 'explained', explanation: explanationOf(facts, wish), notRoot }
}

export function foretellRecorded(recorded: FactsResult, wish: Wish): ForetoldResult | LeftOut {
  if (recorded.status !== 'read') return asRecorded(recorded)
  const { host, facts } = recorded
  return leftOutBy(wish.where, host, facts) ?? foretold(host, facts, wish)
}

type Unread = Exclude<FactsResult, { readonly status: 'read' }>

// What else a document holds of the host (its groups) is no part of a result.
function asRecorded(recorded: Unread) {
  const { host } = recorded
  switch (recorded.status) {
    case 'unreachable':
      return { host, status: 'unreachable', fault: recorded.fault } as const
    case 'failed':
      return { host, status: 'failed', fault: recorded.fault } as const
    case 'not-reached':
      return { host, status: 'not-reached', why: recorded.why } as const
  }
}

function foretold(host: string, facts: Facts, wish: Wish): ForetoldResult {
  const { locked, findings, analysis, choice } = judgeHost(facts, wish)
  const { considered } = choice
  if (locked !== null) return blockedBy(locked, host, { findings, considered })
  switch (choice.type) {
    case 'healthy':
      return { host, status: 'healthy', findings, considered }
    case 'none':
      return { host, status: statusWithout(wish), findings, considered, why: choice.why }
    case 'chosen': {
      const { rollbackNotes, sessionLoss } = analysis.notrack
      const later = untracksIn(choice.steps) ? [...rollbackNotes, ...sessionLoss] : []
      const notes = [...notesOn(choice, facts, analysis), ...later]
      const judged = { strategy: choice.playbook.name, considered, findings, notes }
      const plan = indicativePlan(judged, stepsOf(choice), facts)
      return plan.known
        ? { host, status: 'indicative', plan: plan.value }
        : { host, status: 'blocked', findings, considered, why: plan.why }
    }
  }
}
