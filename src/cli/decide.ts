import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { type Paper, paragraph } from '../report/format.ts'
import { bullets } from '../report/text/parts.ts'
import { changeGroups, groupLines } from '../report/text/plan.ts'
import { planAnew } from './another-strategy.ts'
import { approve, approveAll, type Decisions, type Person, type Planned } from './approve.ts'
import { type ApproveFile, approveListed, type SavedIds } from './approve-file.ts'
import type { Terminal } from './terminal.ts'

/** How yes is said to plans: by a person who is asked, by a file, or beforehand. */
export type Consent = {
  /** A plan as a person is shown it. */
  readonly shown: (plan: Plan) => Plan
  /** What a person is asked of a host; without it, whether to go ahead. */
  readonly question?: (planned: Planned) => string
  /** Plans a host anew with another strategy that fits it: what came of it. Absent: not offered. */
  readonly another?: (planned: Planned, strategy: string, terminal: Terminal) => Promise<HostResult | null>
  readonly yes: boolean
  /** Says yes to what it names and no to all else, in the place of a person. */
  readonly listed?: { readonly file: ApproveFile; readonly saved: SavedIds } | null
  /** That taking it back may break sessions was accepted beforehand, or is no question any more: it is taken back now. */
  readonly acceptsSessionLoss: boolean
}

/** What is done with answers as they come; absent: all of them are waited for. */
export type Meanwhile = Pick<Person, 'onDecided' | 'stopped'> & {
  /** Before each question: nothing that others say may fall into it. */
  readonly beforeQuestion: () => void
  /** Takes a question back that stands open. */
  readonly withdrawn: AbortSignal
}

/** Whether somebody is asked. */
export function asksPerson({ yes, listed = null }: Consent): boolean {
  return !yes && listed === null
}

/** @returns besides what was decided: whether the file names plans that are not here, which was said. */
export async function decide(
  consent: Consent & { readonly by: string },
  planned: readonly Planned[],
  terminal: Terminal,
  meanwhile?: Meanwhile,
): Promise<(Decisions & { readonly unknown?: boolean }) | 'interrupted'> {
  const { yes, listed, acceptsSessionLoss, by } = consent
  const approver = { by, now: () => new Date() }
  if (yes) return approveAll(planned, acceptsSessionLoss, approver)
  if (listed !== undefined && listed !== null) {
    const { unknown, ...decisions } = approveListed(planned, { ...listed, acceptsSessionLoss }, approver)
    terminal.say(unknown.flatMap((line) => paragraph(terminal.notices, '', line)))
    return { ...decisions, unknown: unknown.length > 0 }
  }
  if (planned.length === 0 || terminal.interruption.signal.aborted) return { approved: [], others: [], approvals: [] }
  // Loaded only where somebody is asked.
  const { askAboutPlan, askToAccept, askWhich } = await import('./ask.ts')
  const { another } = consent
  const groups = changeGroups(planned.map((one) => asShown(one, consent)))
  const groupOf = ({ host }: Planned) => groups.find((group) => group.some((one) => one.host === host)) ?? []
  const withdrawn = meanwhile?.withdrawn ?? terminal.interruption.signal
  const which: typeof askWhich = async (question, ones) => await askWhich(question, ones, withdrawn)
  return await approve(
    planned,
    {
      ask: async (question, offers) => {
        meanwhile?.beforeQuestion()
        return await askAboutPlan(question, offers, withdrawn)
      },
      question: consent.question,
      accept: acceptsSessionLoss
        ? null
        : async (question, why) => {
            terminal.say(bullets(terminal.notices, why))
            return await askToAccept(question, withdrawn)
          },
      show: (one) => terminal.say(['', ...inFull(terminal.notices, one, groupOf(one)), '']),
      shown: (one) => asShown(one, consent),
      another:
        another === undefined
          ? undefined
          : async (one) =>
              await planAnew(
                one,
                { askWhich: which, another: async (which, strategy) => await another(which, strategy, terminal) },
                terminal,
              ),
      onDecided: meanwhile?.onDecided,
      stopped: meanwhile?.stopped,
      onAsked: (hosts, plan) => terminal.events?.tell({ event: 'approval-asked', hosts, plan }),
    },
    approver,
  )
}

/**
 * A host's plan with all that was left out of it; said where that is nothing, as whoever asked looks for it.
 * @param group as which it was shown before
 */
export function inFull(paper: Paper, one: Planned, group: Parameters<typeof groupLines>[1]): readonly string[] {
  const full = groupLines(paper, [one], 'full')
  const isAll = full.join('\n') === groupLines(paper, group, 'short').join('\n')
  return isAll ? [...full, ...paragraph(paper, '', 'Nothing of this was left out above.')] : full
}

export function asShown<R extends HostResult>(result: R, { shown }: Pick<Consent, 'shown'>): R {
  return withPlan(result, shown)
}

function withPlan<R extends HostResult>(result: R, change: (plan: Plan) => Plan): R {
  return 'plan' in result && result.plan !== null ? { ...result, plan: change(result.plan) } : result
}
