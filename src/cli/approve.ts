import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { visible } from '../report/format.ts'
import { workText } from '../report/text/work.ts'
import type { Answer } from './ask.ts'
import { asking } from './ask-each.ts'

export type Planned = Extract<HostResult, { readonly status: 'planned' }>

export type Approval = {
  readonly approved: readonly Plan[]
  readonly others: readonly HostResult[]
}

type Person = {
  readonly ask: (question: string) => Promise<Answer | 'interrupted'>
  /** What is asked of a host; without it, whether to go ahead with its plan. */
  readonly question?: ((planned: Planned) => string) | undefined
  /** A yes or no of its own to sessions that taking it back may break; null where that was accepted beforehand. */
  readonly accept: ((question: string, why: readonly string[]) => Promise<boolean | 'interrupted'>) | null
  readonly show: (planned: Planned) => void
}

/** Asks for each host in turn; every one ends as approved, declined or skipped, unless the person breaks off. */
export async function approve(
  all: readonly Planned[],
  { ask, question = questionFor, accept, show }: Person,
): Promise<Approval | 'interrupted'> {
  const approved: Plan[] = []
  const others: HostResult[] = []
  const decide = asking({ ask, question, show })
  for (const planned of all) {
    const { host, plan } = planned
    const decision = await decide(planned)
    if (decision === 'interrupted') return 'interrupted'
    if (decision !== 'yes') {
      others.push({ host, status: decision, plan })
      continue
    }
    // No yes to all the rest covers what is asked here: each host loses sessions of its own.
    const accepted =
      accept === null || !mayLoseSessions(plan) || (await accept(lossQuestionFor(planned), sessionLossOf(plan)))
    if (accepted === 'interrupted') return 'interrupted'
    if (accepted) approved.push(plan)
    else others.push({ host, status: 'declined', plan, why: `not accepted: ${lossOf(plan)}` })
  }
  return { approved, others }
}

/** What `--yes` approves: all but plans that may break sessions when they are taken back, unless that was accepted too. */
export function approveAll(all: readonly Planned[], acceptsSessionLoss: boolean): Approval {
  const skipped = acceptsSessionLoss ? [] : all.filter(({ plan }) => mayLoseSessions(plan))
  return {
    approved: all.filter((planned) => !skipped.includes(planned)).map(({ plan }) => plan),
    others: skipped.map(({ host, plan }) => ({
      host,
      status: 'skipped',
      plan,
      why: `${lossOf(plan)}. To apply it all the same: --accept-session-loss`,
    })),
  }
}

function sessionLossOf({ sessionLoss = [] }: Plan): readonly string[] {
  return sessionLoss
}

function mayLoseSessions(plan: Plan): boolean {
  return sessionLossOf(plan).length > 0
}

function lossOf(plan: Plan): string {
  return `sessions may break when it is taken back (${sessionLossOf(plan).join('; ')})`
}

function questionFor({ host, plan }: Planned): string {
  return `${visible(host)}: ${visible(workText(plan))}. Go ahead?`
}

function lossQuestionFor({ host }: Planned): string {
  return `${visible(host)}: sessions may break when it is taken back. Apply all the same?`
}
