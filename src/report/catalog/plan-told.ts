import type { Change } from '../../model/change.ts'
import type { IndicativeChange } from '../../model/indicative.ts'
import type { LeftOutHosts } from '../../model/result.ts'
import type { ChangeTold } from '../../model/review.ts'
import { becauseOf } from '../../playbook/sentence.ts'
import type { Piece } from '../format.ts'
import type { GroupTold, PlanTold } from '../markdown/plan.ts'
import { conditionsOf } from '../text/conditions.ts'
import { diffRows } from '../text/diff.ts'
import { commonFault } from '../text/fault.ts'
import { groups } from '../text/groups.ts'
import { gatesOf, lossOf, notesOf } from '../text/of-all.ts'
import { changeGroups } from '../text/plan.ts'
import { type AnyResult, findingsOf, statusCounts, worstFirst } from '../text/status.ts'

/** A plan as a report in sentences has it: the fleet worst first, hosts with the same change together. */
export function planTold(results: readonly AnyResult[], { leftOut, unsure }: LeftOutHosts = NOBODY): PlanTold {
  return {
    counts: textOf(statusCounts(results)),
    hosts: results.length,
    conditions: conditionsOf(results).map(({ condition, hosts }) => ({ what: condition, hosts: namesOf(hosts) })),
    statuses: groups(worstFirst(results), ({ status }) => status).map(([status, members]) => ({
      what: status,
      hosts: namesOf(members),
    })),
    groups: changeGroups(results).flatMap(groupTold),
    leftOut: leftOut.length,
    unsure: groups(unsure, ({ why }) => why).map(([why, members]) => ({ what: why, hosts: namesOf(members) })),
  }
}

const NOBODY: LeftOutHosts = { leftOut: [], unsure: [] }

function groupTold(group: readonly AnyResult[]): readonly GroupTold[] {
  const [first] = group
  if (first === undefined) return []
  const plan = 'plan' in first ? first.plan : null
  const considered = plan?.considered ?? ('considered' in first ? first.considered : [])
  const chosen = plan?.strategy ?? null
  const choice = considered.find(({ strategy }) => strategy === chosen)
  const shown = { group, detail: 'full' } as const
  return [
    {
      hosts: group.map((each) => ({ host: each.host, plan: planIdOf(each) })),
      status: first.status,
      strategy: plan !== null && plan.changes.length > 0 ? plan.strategy : null,
      found: foundOn(group),
      trouble: troubleOf(group, first),
      reasons:
        choice === undefined
          ? []
          : [...choice.reasons, ...Object.keys(choice.vars).flatMap((name) => becauseOf(choice.vars, name) ?? [])],
      rejected: considered.filter(({ strategy }) => strategy !== chosen),
      changes: plan === null ? [] : plan.changes.map(changeTold),
      kept: plan?.kept ?? [],
      notes: notesOf(shown),
      loss: lossOf(shown),
      gates: gatesOf(shown),
    },
  ]
}

function planIdOf(result: AnyResult): string | null {
  if (result.status === 'indicative' || !('plan' in result) || result.plan === null) return null
  return result.plan.changes.length === 0 ? null : result.plan.id
}

/** Equal findings together; of several hosts what is worth knowing alone is left out, but for ports, as in the text. */
function foundOn(group: readonly AnyResult[]): GroupTold['found'] {
  const all = group.flatMap((result) =>
    findingsOf(result)
      .filter(({ severity, rule }) => group.length === 1 || severity !== 'info' || rule === 'busy-port')
      .map(({ severity, title, evidence }) => ({ host: result.host, severity, title, evidence })),
  )
  return groups(all, ({ severity, title }) => `${severity} ${title}`).flatMap(([, members]) =>
    members.slice(0, 1).map(({ severity, title, evidence }) => ({
      ...{ severity, title, hosts: namesOf(members) },
      evidence: group.length === 1 ? evidence.filter((line) => !title.endsWith(line)) : [],
    })),
  )
}

function troubleOf(group: readonly AnyResult[], first: AnyResult): GroupTold['trouble'] {
  const fault = commonFault(group.map((each) => ({ ...each, fault: faultOf(each) }))) ?? faultOf(first)
  if (fault !== null) return { message: fault.message, next: fault.next }
  return 'why' in first && first.why !== undefined ? { message: first.why, next: null } : null
}

function faultOf(result: AnyResult) {
  return ('fault' in result ? result.fault : null) ?? null
}

function changeTold(change: Change | IndicativeChange): ChangeTold {
  const { title, phase, notes } = change
  if ('shown' in change) return { title, phase, notes, diff: diffRows(change.shown) }
  const { before, after } = change
  const shown = { before: before.known ? before.value : [], after: after.known ? after.value : [] }
  const unknown = before.known ? [] : [`before: not known: ${before.why}`]
  return { title, phase, notes: [...unknown, ...notes], diff: diffRows(shown) }
}

function namesOf(hosts: readonly { readonly host: string }[]): readonly string[] {
  return hosts.map(({ host }) => host)
}

function textOf(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : piece.text)).join('')
}
