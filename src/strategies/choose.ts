import type { Health } from '../diagnosis/health.ts'
import type { View } from '../expression/bind-readings.ts'
import type { Verdict } from '../model/verdict.ts'
import { type BoundStep, bindSteps, checkRequirement, computeVars, notesFor } from '../playbook/bind.ts'
import type { Playbook } from '../playbook/playbook.ts'

/** What to do about a host, with what every playbook says about it. */
export type Choice =
  | {
      readonly type: 'chosen'
      readonly playbook: Playbook
      readonly steps: readonly BoundStep[]
      readonly notes: readonly string[]
      readonly verdict: Verdict
      readonly considered: readonly Verdict[]
    }
  | { readonly type: 'healthy'; readonly considered: readonly Verdict[] }
  | { readonly type: 'none'; readonly why: string; readonly considered: readonly Verdict[] }

/**
 * Judges every playbook and takes the first that fits, in the order in which they come (the best first). A healthy host gets
 * nothing unless a strategy is asked for by name; no wish overrides what a playbook requires.
 * @param wanted `auto`, or the name of one of the playbooks
 */
export function choose(playbooks: readonly Playbook[], view: View, health: Health, wanted: string): Choice {
  const judged = playbooks.map((playbook) => judge(playbook, view))
  const eligible = judged.filter((each) => each.verdict.verdict === 'eligible')

  if (wanted !== 'auto') {
    const asked = judged.find(({ playbook }) => playbook.name === wanted)
    if (asked === undefined)
      return { type: 'none', why: `no strategy is called ${wanted}`, considered: verdicts(judged) }
    const considered = verdicts(judged, {
      chosen: asked,
      why: 'asked for by name',
      passedOver: `${wanted} was asked for`,
    })
    if (asked.verdict.verdict !== 'eligible')
      return { type: 'none', why: `${wanted} does not fit: ${asked.verdict.reasons.join('; ')}`, considered }
    return chosen(asked, considered)
  }

  if (health === 'healthy')
    return { type: 'healthy', considered: verdicts(judged, { passedOver: 'the host is healthy' }) }
  if (health === 'cannot-tell') {
    const why = 'whether this host is in trouble cannot be told; to act all the same, ask for a strategy by name'
    return {
      type: 'none',
      why,
      considered: verdicts(judged, { passedOver: 'whether this host is in trouble cannot be told' }),
    }
  }
  const [best] = eligible
  if (best === undefined) return { type: 'none', why: 'no strategy fits this host', considered: verdicts(judged) }
  const why = `the first that fits, in the order ${playbooks.map(({ name }) => name).join(', ')}`
  return chosen(best, verdicts(judged, { chosen: best, why, passedOver: `${best.playbook.name} comes first` }))
}

type Judged = {
  readonly playbook: Playbook
  readonly verdict: Verdict
  readonly steps: readonly BoundStep[]
  readonly notes: readonly string[]
}

/** What a playbook says about one host. What is surely not met decides before what is not known. */
function judge(playbook: Playbook, host: View): Judged {
  const { vars, view } = computeVars(playbook, host)
  const met = playbook.requires.map((requirement) => checkRequirement(requirement, view))
  const unmet = met.flatMap((each) => (each.type === 'unmet' ? [each.reason] : []))
  const unsure = met.flatMap((each) => (each.type === 'unsure' ? [each.reason] : []))
  const say = (verdict: Verdict['verdict'], reasons: readonly string[], steps: readonly BoundStep[] = []): Judged => ({
    playbook,
    verdict: { strategy: playbook.name, verdict, reasons, vars },
    steps,
    notes: notesFor(playbook, view),
  })
  if (unmet.length > 0) return say('ineligible', unmet)
  if (unsure.length > 0) return say('unsure', unsure)
  const binding = bindSteps(playbook, view)
  if (binding.type !== 'bound') return say('unsure', binding.reasons)
  return say('eligible', [], binding.steps)
}

function chosen({ playbook, steps, notes, verdict }: Judged, considered: readonly Verdict[]): Choice {
  return { type: 'chosen', playbook, steps, notes, verdict, considered }
}

/** Every verdict, those that fit and were not chosen with the reason. */
function verdicts(
  judged: readonly Judged[],
  story?: { readonly chosen?: Judged; readonly why?: string; readonly passedOver: string },
): readonly Verdict[] {
  return judged.map((each) => {
    if (each.verdict.verdict !== 'eligible' || story === undefined) return each.verdict
    if (each === story.chosen) {
      const because = story.why === undefined ? each.playbook.title : `${each.playbook.title}: ${story.why}`
      return { ...each.verdict, reasons: [because] }
    }
    return { ...each.verdict, reasons: [story.passedOver] }
  })
}
