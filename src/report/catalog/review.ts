import { createHash } from 'node:crypto'
import { counted, grouped } from '../../diagnosis/numbers.ts'
import type { Change } from '../../model/change.ts'
import type { Fault } from '../../model/fault.ts'
import { SEVERITIES } from '../../model/finding.ts'
import type { Plan } from '../../model/plan.ts'
import type { HostResult } from '../../model/result.ts'
import type { ChangeTold, Found, HostTold, LaterRun, Mood, RunReview, Trouble, Work } from '../../model/review.ts'
import type { Run, RunSummary } from '../../model/run.ts'
import { asDone } from '../backwards.ts'
import type { Piece } from '../format.ts'
import { diffRows } from '../text/diff.ts'
import { byCause, commonFault } from '../text/fault.ts'
import { groups } from '../text/groups.ts'
import { gatesOf, lossOf, notesOf } from '../text/of-all.ts'
import { endedText } from '../text/result.ts'
import { findingsOf, severityPiece, statusCounts, statusPiece, worstFirst } from '../text/status.ts'
import { approvalsOf } from './approvals.ts'
import { cut } from './cut.ts'
import { toneToMood } from './mood.ts'
import { outcomeOf } from './outcome.ts'
import { pressureOf } from './pressure.ts'

/** @param later runs that closed it or took it back, oldest first */
export function reviewOf({ results: recorded, approvals, ...run }: Run, later: readonly RunSummary[]): RunReview {
  const results = asDone({ command: run.command, results: recorded })
  const worst = worstFirst(results)
  return cut({
    run,
    headline: headlineOf(run, results),
    later: later.map(laterRun),
    counts: groups(worst, ({ status }) => status).map(([status, members]) => ({
      status,
      mood: moodOf(status),
      hosts: members.length,
    })),
    troubles: byCause(worst.filter(isLeftToDo)).map(troubleOf),
    found: foundOn(worst),
    pressure: worst.flatMap(pressureOf),
    works: worksOf(worst),
    approvals: approvalsOf({ by: run.by, approvals }, results),
    // By the names that they have on record: of a strategy that was taken back there is no other.
    hosts: worstFirst(recorded).map(hostTold),
  })
}

const DONE: Readonly<Record<Run['command'], string>> = {
  apply: 'changed',
  rollback: 'as before',
  resume: 'brought to an end',
}

function headlineOf({ command, endedAt }: RunReview['run'], results: readonly HostResult[]): string {
  const done = results.filter((result) => isDone(command, result)).length
  const bad = results.filter((result) => outcomeOf(result) === 'failed' || outcomeOf(result) === 'error')
  const wrong = bad.length === 0 ? '' : `; not as wanted: ${textOf(statusCounts(bad))}`
  const open = endedAt === null ? '; the run is not ended' : ''
  return `${grouped(done)} of ${counted(results.length, 'host', 'hosts')} ${DONE[command]}${wrong}${open}`
}

function isDone(command: Run['command'], result: HostResult): boolean {
  if (command === 'apply') return result.status === 'applied'
  const isBack = result.status === 'rolled-back' && (command === 'resume' || result.fault === null)
  return isBack || (command === 'resume' && result.status === 'applied')
}

function laterRun({ id, command, by, startedAt, hosts }: RunSummary): LaterRun {
  return { id, command, by, startedAt, ended: textOf(statusCounts(hosts)) }
}

function isLeftToDo(result: HostResult): boolean {
  const outcome = outcomeOf(result)
  return outcome === 'failed' || outcome === 'error'
}

function troubleOf(group: readonly HostResult[]): Trouble {
  const [first] = group
  if (first === undefined) throw new Error('a group holds at least one host')
  const fault = commonFault(group.map(withFault)) ?? faultOf(first)
  return {
    hosts: group.map(({ host }) => host),
    status: first.status,
    mood: moodOf(first.status),
    message: fault?.message ?? ('why' in first && first.why !== undefined ? first.why : endedText(first)),
    next: fault?.next ?? null,
  }
}

function withFault(result: HostResult): { host: string; status: string; fault: Fault | null } {
  return { host: result.host, status: result.status, fault: faultOf(result) }
}

function faultOf(result: HostResult): Fault | null {
  return ('fault' in result ? result.fault : null) ?? null
}

function foundOn(results: readonly HostResult[]): readonly Found[] {
  const all = results.flatMap((result) => findingsOf(result).map((finding) => ({ host: result.host, finding })))
  const alike = groups(all, ({ finding: { severity, title, evidence } }) => JSON.stringify([severity, title, evidence]))
  const found = alike.flatMap(([, members]) =>
    members.slice(0, 1).map(({ finding: { table: _, lost: __, ...finding } }) => ({
      ...finding,
      mood: toneToMood(severityPiece(finding.severity)),
      hosts: members.map(({ host }) => host),
    })),
  )
  return found.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
}

/** Hosts with the same change together, however they ended; nothing of hosts where nothing was to be changed. */
function worksOf(results: readonly HostResult[]): readonly Work[] {
  const planned = results.flatMap((result) =>
    'plan' in result && result.plan !== null && result.plan.changes.length > 0 ? [{ result, plan: result.plan }] : [],
  )
  return groups(planned, ({ plan }) => sameWork(plan)).flatMap(([, members]) => workOf(members))
}

type Planned = { readonly result: HostResult; readonly plan: Plan }

/** What a person would read of it. Of many megabytes a digest does, where an escaped copy would be made for each host. */
function sameWork({ strategy, changes }: Plan): string {
  const digest = createHash('sha256')
  const add = (texts: readonly string[]) => {
    digest.update(`${texts.length}\n`)
    for (const text of texts) digest.update(`${text.length} `).update(text, 'utf16le')
  }
  add([strategy])
  for (const { title, phase, shown, notes } of changes) {
    add([title, phase])
    for (const texts of [shown.before, shown.after, notes]) add(texts)
  }
  return digest.digest('base64')
}

function workOf(members: readonly Planned[]): readonly Work[] {
  const shown = { group: members.map(({ result }) => result), detail: 'full' } as const
  return members.slice(0, 1).map(({ plan: { strategy, changes } }) => ({
    strategy,
    ended: textOf(statusCounts(members.map(({ result }) => result))),
    hosts: members.map(({ result, plan }) => ({
      host: result.host,
      status: result.status,
      mood: moodOf(result.status),
      plan: plan.id,
      transaction: 'transaction' in result ? result.transaction : null,
    })),
    changes: changes.map(changeTold),
    notes: [...notesOf(shown), ...lossOf(shown)],
    gates: gatesOf(shown),
  }))
}

function changeTold({ title, phase, notes, shown }: Change): ChangeTold {
  return { title, phase, notes, diff: diffRows(shown) }
}

function hostTold(result: HostResult): HostTold {
  return {
    host: result.host,
    status: result.status,
    mood: moodOf(result.status),
    outcome: outcomeOf(result),
    strategy: ('plan' in result ? result.plan?.strategy : null) ?? null,
    transaction: 'transaction' in result ? result.transaction : null,
    ended: endedText(result),
    fault: faultOf(result),
    checked: ('checked' in result ? result.checked : null) ?? [],
  }
}

function moodOf(status: HostResult['status']): Mood {
  return toneToMood(statusPiece(status))
}

function textOf(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : piece.text)).join('')
}
