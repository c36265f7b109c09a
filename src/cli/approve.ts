import { counted } from '../diagnosis/numbers.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Approval, ApprovalWay } from '../model/run.ts'
import type { Verdict } from '../model/verdict.ts'
import { visible } from '../report/format.ts'
import { listed } from '../report/text/listed.ts'
import { changeGroups } from '../report/text/plan.ts'
import { workText } from '../report/text/work.ts'
import { stoppedText } from '../run/fleet-waves.ts'
import type { Offers, PlanAnswer } from './ask.ts'

export type Planned = Extract<HostResult, { readonly status: 'planned' }>

/** What was decided of hosts that waited for a yes: each is approved, or among the others. */
export type Decisions = {
  /** With the plan that has the yes, which may be a later one than was asked about first. */
  readonly approved: readonly Planned[]
  readonly others: readonly HostResult[]
  /** One for each that is approved, for the record. */
  readonly approvals: readonly Approval[]
}

/** Who says yes, and the clock. */
export type Approver = { readonly by: string; readonly now: () => Date }

export type Person = {
  readonly ask: (question: string, offers: Offers) => Promise<PlanAnswer | 'interrupted'>
  /** What is asked of a host; without it, whether to go ahead with its plan. `alike`: those after it with the same change. */
  readonly question?: ((planned: Planned, alike: readonly Planned[]) => string) | undefined
  /** A yes or no of its own to sessions that taking it back may break; null where that was accepted beforehand. */
  readonly accept: ((question: string, why: readonly string[]) => Promise<boolean | 'interrupted'>) | null
  readonly show: (planned: Planned) => void
  /** Has the person choose another strategy and plans the host anew; null where the plan stays as it is. Absent: not offered. */
  readonly another?: ((planned: Planned) => Promise<Planned | null | 'interrupted'>) | undefined
  /** A plan as the person is shown it; absent: as it is. */
  readonly shown?: (planned: Planned) => Planned
  /** Hears of each host as it is decided, and of the yes that it has. */
  readonly onDecided?: ((result: HostResult, approval: Approval | null) => void) | undefined
  /** Hears of each question before it is put: about these hosts, by the plan of the first. */
  readonly onAsked?: ((hosts: readonly string[], plan: string) => void) | undefined
  /** Why no further host begins, so that nobody is asked in vain; null as long as hosts may. */
  readonly stopped?: (() => string | null) | undefined
}

/**
 * Asks for each host in turn, those with the same change one after the other, as the plan shows them. Every one ends as
 * approved, declined or skipped, unless the person breaks off; where hosts that have a yes begin at once, and failed, the
 * others are not asked about.
 */
export async function approve(
  all: readonly Planned[],
  person: Person,
  approver: Approver,
): Promise<Decisions | 'interrupted'> {
  const decided = new Map<string, { readonly result: HostResult; readonly approval: Approval | null }>()
  const note = (result: HostResult, approval: Approval | null) => {
    decided.set(result.host, { result, approval })
    person.onDecided?.(result, approval)
  }
  let toTheRest: 'rest' | 'quit' | undefined
  for (const group of inGroups(all, person)) {
    let toTheSame: 'same' | undefined
    for (const [at, planned] of group.entries()) {
      const given = toTheRest ?? toTheSame
      const alike = group.slice(at + 1)
      const stopped = () => person.stopped?.() ?? null
      const ask = async () =>
        given === undefined ? await answerTo(planned, alike, person) : { answer: given, planned }
      const said = stopped() === null ? await ask() : 'interrupted'
      const result = said === 'interrupted' ? said : await resultOf(said, person)
      const why = stopped()
      if (why !== null) {
        note({ host: planned.host, status: 'not-reached', why: stoppedText(why) }, null)
        continue
      }
      if (said === 'interrupted' || result === 'interrupted') return 'interrupted'
      const { answer } = said
      if (answer === 'rest' || answer === 'quit') toTheRest = answer
      // A host that was planned anew has another change than the hosts after it.
      if (answer === 'same' && said.planned === planned) toTheSame = answer
      note(result, result.status === 'planned' ? approvalOf(said.planned, WAYS[answer] ?? 'asked', approver) : null)
    }
  }
  // In the order of the fleet, which the waves are made of.
  const inOrder = all.flatMap(({ host }) => decided.get(host) ?? [])
  return {
    approved: inOrder.flatMap(({ result }) => (result.status === 'planned' ? [result] : [])),
    others: inOrder.flatMap(({ result }) => (result.status === 'planned' ? [] : [result])),
    approvals: inOrder.flatMap(({ approval }) => approval ?? []),
  }
}

/** What `--yes` approves: all but plans that may break sessions when they are taken back, unless that was accepted too. */
export function approveAll(all: readonly Planned[], acceptsSessionLoss: boolean, approver: Approver): Decisions {
  const skipped = acceptsSessionLoss ? [] : all.filter(({ plan }) => mayLoseSessions(plan))
  const approved = all.filter((planned) => !skipped.includes(planned))
  return {
    approved,
    others: skipped.map(notCovered),
    approvals: approved.map((planned) => approvalOf(planned, 'yes-option', approver)),
  }
}

/** A host whose plan has a yes from nobody who was told that sessions may break. */
export function notCovered({ host, plan }: Planned): HostResult {
  const why = `${lossOf(plan)}. To apply it all the same: --accept-session-loss`
  return { host, status: 'skipped', plan, why }
}

export function mayLoseSessions(plan: Plan): boolean {
  return sessionLossOf(plan).length > 0
}

export function approvalOf({ host, plan }: Planned, how: ApprovalWay, { by, now }: Approver): Approval {
  return { host, plan: plan.id, by, at: now().toISOString(), how }
}

const WAYS: Readonly<Partial<Record<PlanAnswer, ApprovalWay>>> = { same: 'same-change', rest: 'all' }

type Said = { readonly answer: Exclude<PlanAnswer, 'show' | 'another'>; readonly planned: Planned }

function inGroups(all: readonly Planned[], { shown = asItIs }: Person): readonly (readonly Planned[])[] {
  const byHost = new Map(all.map((planned) => [planned.host, planned]))
  return changeGroups(all.map(shown)).map((group) => group.flatMap(({ host }) => byHost.get(host) ?? []))
}

async function answerTo(
  first: Planned,
  alike: readonly Planned[],
  { ask, question = questionFor, show, another, shown = asItIs, onAsked }: Person,
): Promise<Said | 'interrupted'> {
  let planned = first
  for (;;) {
    const same = planned === first ? alike : []
    onAsked?.(
      [planned, ...same].map(({ host }) => host),
      planned.plan.id,
    )
    const offers = { same: same.length > 0, another: another !== undefined && othersThatFit(planned).length > 0 }
    const answer = await ask(question(shown(planned), same), offers)
    switch (answer) {
      case 'show':
        show(shown(planned))
        break
      case 'another': {
        const anew = (await another?.(planned)) ?? null
        if (anew === 'interrupted') return anew
        if (anew === null) break
        planned = anew
        show(shown(planned))
        break
      }
      case 'interrupted':
        return answer
      case 'yes':
      case 'no':
      case 'skip':
      case 'same':
      case 'rest':
      case 'quit':
        return { answer, planned }
    }
  }
}

/** The strategies that a person may choose in the place of the one that a host's plan has. */
export function othersThatFit({ plan }: Planned): readonly Verdict[] {
  return plan.considered.filter(({ strategy, verdict }) => verdict === 'eligible' && strategy !== plan.strategy)
}

async function resultOf({ answer, planned }: Said, { accept }: Person): Promise<HostResult | 'interrupted'> {
  const { host, plan } = planned
  switch (answer) {
    case 'no':
      return { host, status: 'declined', plan }
    case 'skip':
    case 'quit':
      return { host, status: 'skipped', plan }
    case 'yes':
    case 'same':
    case 'rest': {
      // No yes to others covers what is asked here: each host loses sessions of its own.
      if (accept === null || !mayLoseSessions(plan)) return planned
      const accepted = await accept(lossQuestionFor(planned), sessionLossOf(plan))
      if (accepted === 'interrupted') return accepted
      return accepted ? planned : { host, status: 'declined', plan, why: `not accepted: ${lossOf(plan)}` }
    }
  }
}

function asItIs(planned: Planned): Planned {
  return planned
}

function sessionLossOf({ sessionLoss = [] }: Plan): readonly string[] {
  return sessionLoss
}

function lossOf(plan: Plan): string {
  return `sessions may break when it is taken back (${sessionLossOf(plan).join('; ')})`
}

function questionFor({ host, plan }: Planned, alike: readonly Planned[]): string {
  const names = alike.map((planned) => visible(planned.host))
  const others = names.length > 3 ? counted(names.length, 'more host', 'more hosts') : listed(names, 3)
  const same = names.length === 0 ? '' : ` (g: the same on ${others})`
  return `${visible(host)}: ${visible(workText(plan))}${same}. Go ahead?`
}

function lossQuestionFor({ host }: Planned): string {
  return `${visible(host)}: sessions may break when it is taken back. Apply all the same?`
}
