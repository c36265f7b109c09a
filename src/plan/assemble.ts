import { LIFE } from '../journal/ground.ts'
import { DIGEST, transactionScript } from '../journal/transaction.ts'
import type { Change } from '../model/change.ts'
import type { Finding } from '../model/finding.ts'
import type { Host } from '../model/host.ts'
import type { Gate, Plan } from '../model/plan.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { Verdict } from '../model/verdict.ts'
import { bundle, type Section } from '../shell/bundle.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import type { Step, StepPlan } from '../steps/step-kind.ts'
import { sealPlan } from './seal.ts'

/** What the planning trip asks: the state of every step, and the digest of all that the verdict rests on. */
export type Questions = { readonly script: Script; readonly boundProbe: Script; readonly names: readonly string[] }

/**
 * @param rules prints the chains that the verdict rests on, in normal form
 * @param keep lists once what several of them ask for
 */
export function questionsFor(steps: readonly Step[], rules: Script, keep: Script = sh`:`): Questions {
  const compared = steps.filter(({ volatile }) => !volatile)
  const boundProbe = lines(
    LIFE,
    // On the planning trip it is kept already; a transaction runs this in a shell of its own, which ends before any change.
    keep,
    ...compared.map(
      ({ probe }) => sh`( ${probe}
)`,
    ),
    rules,
  )
  const probes = [
    ...steps.map(({ probe }, index) => ({ name: nameOf(index), bytes: 'own' as const, probe })),
    {
      name: 'bound',
      // One digest.
      bytes: 'own' as const,
      probe: lines(
        DIGEST,
        sh`( ${boundProbe}
) 2> /dev/null | digest`,
      ),
    },
  ]
  const script = lines(keep, bundle(probes, { bytes: 262144 }))
  return { script, boundProbe, names: probes.map(({ name }) => name) }
}

export type Judged = {
  readonly host: Host
  readonly machine?: string
  readonly strategy: string
  readonly considered: readonly Verdict[]
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
  readonly rollbackNotes: readonly string[]
  readonly sessionLoss?: readonly string[]
  readonly gates: GatesOf
}

/** What is asked after these changes, and what a person must know about what is not. */
export type GatesOf = (changes: readonly Change[]) => {
  readonly gates: readonly Gate[]
  readonly notes: readonly string[]
}

/** The plan, when every step can be read and has a way there and back; otherwise the step that has not. */
export function assemblePlan(
  judged: Judged,
  steps: readonly Step[],
  questions: Questions,
  answers: ReadonlyMap<string, Reading<Section>>,
): Reading<Plan> {
  const first = planSteps(steps, answers, false)
  if (!first.known) return first
  // Entries come and go: a flush that had nothing to do a moment ago has something once the rules before it change.
  const moves = first.value.changes.some((change) => !change.volatile)
  const planned = moves ? planSteps(steps, answers, true) : first
  if (!planned.known) return planned
  const { changes, kept } = planned.value
  const bound = answers.get('bound')
  const digest = bound?.known ? bound.value.output.trim() : ''
  if (!/^[0-9a-f-]{5,}$/.test(digest)) return unknown('the host printed no digest of its state')
  const boundTo = { probe: questions.boundProbe.text, digest }
  const script = transactionScript(changes, boundTo)
  const { gates, notes } = judged.gates(changes)
  return known(sealPlan({ ...judged, gates, notes: [...judged.notes, ...notes], boundTo, changes, kept, script }))
}

function planSteps(
  steps: readonly Step[],
  answers: ReadonlyMap<string, Reading<Section>>,
  volatileToo: boolean,
): Reading<{ readonly changes: readonly Change[]; readonly kept: readonly string[] }> {
  const changes: Change[] = []
  const kept: string[] = []
  for (const [index, step] of steps.entries()) {
    const answer = answers.get(nameOf(index))
    if (answer === undefined || !answer.known)
      return unknown(`${step.title}: ${answer?.why ?? 'the host did not answer'}`)
    const planned = step.plan(answer.value.output, volatileToo && step.volatile)
    if (!planned.known) return unknown(`${step.title}: ${planned.why}`)
    if (!planned.value.needed) {
      kept.push(step.title)
      continue
    }
    const change = changeOf(step, planned.value, changes.length + 1)
    if (!change.known) return change
    changes.push(change.value)
  }
  return known({ changes, kept })
}

function changeOf(step: Step, planned: StepPlan & { needed: true }, number: number): Reading<Change> {
  const { apply, undo } = planned
  if ('impossible' in apply) return unknown(`${step.title}: ${apply.impossible}`)
  if ('impossible' in undo) return unknown(`${step.title} could not be undone: ${undo.impossible}`)
  return known({
    id: `${number}-${step.kind}`,
    kind: step.kind,
    title: step.title,
    phase: step.phase,
    want: step.want,
    before: planned.before,
    after: planned.after,
    shown: planned.shown,
    probe: step.probe.text,
    apply: apply.text,
    undo: undo.text,
    stage: planned.stage.text,
    unstage: planned.unstage.text,
    volatile: step.volatile,
    notes: planned.notes,
  })
}

function nameOf(index: number): string {
  return `step-${index + 1}`
}
