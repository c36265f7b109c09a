import { expect } from 'vitest'
import { sameJson } from '../../src/model/json.ts'
import type { Script } from '../../src/shell/script.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import type { Step, StepPlan } from '../../src/steps/step-kind.ts'
import { stepsFor } from './hand-made-plan.ts'
import type { StepCase } from './step-cases.ts'

/** A host where scripts run as root in one shell, and whose state can be dumped. */
export type Ground = {
  readonly run: (text: string) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>
  readonly dump: () => Promise<string>
  /** In one shell everything is looked at; in the others, whether the texts run and arrive. */
  readonly thorough: boolean
}

type Needed = StepPlan & { needed: true }

/** Holds a case to every law of its kind, and leaves the host as the case found it. */
export async function holdsTheLaws(ground: Ground, given: StepCase): Promise<void> {
  if (given.given !== undefined) await ran(ground, given.given)
  const before = await ground.dump()
  const steps = stepsFor([given.wish])
  const plans: Needed[] = []

  for (const step of steps) {
    const probed = await probeAfter(ground, step, [])
    expect(await probeAfter(ground, step, []), 'a probe prints equal bytes for an equal state').toBe(probed)
    plans.push(needed(step, probed))
  }
  if (ground.thorough) expect(await ground.dump(), 'a probe changes nothing').toBe(before)

  const thereAndBack = async (on: { readonly the?: string | undefined; readonly back?: string | undefined }) => {
    await act(
      ground,
      plans.map(({ stage }) => stage),
    )
    if (on.the !== undefined) await ran(ground, on.the)
    for (const [at, step] of steps.entries()) {
      const plan = plans[at] as Needed
      expectState(step, await probeAfter(ground, step, [plan.apply]), plan.after, 'apply arrives at the goal')
      const twice = await probeAfter(ground, step, [plan.apply])
      expectState(step, twice, plan.after, 'apply twice is harmless')
      expect(step.plan(twice), 'a plan after apply is empty').toEqual({ known: true, value: { needed: false } })
    }
    if (on.back !== undefined) await ran(ground, on.back)
    for (const plan of plans.toReversed()) await act(ground, [plan.undo, plan.undo])
    await act(
      ground,
      plans.map(({ unstage }) => unstage),
    )
    expect(await ground.dump(), 'undo puts back exactly what was').toBe(before)
  }
  const halves = given.halfThere !== undefined || given.halfBack !== undefined
  if (ground.thorough || !halves) await thereAndBack({})
  if (halves) await thereAndBack({ the: given.halfThere, back: given.halfBack })
}

function needed(step: Step, probed: string): Needed {
  const plan = step.plan(probed)
  if (!plan.known) throw new Error(`${step.title}: ${plan.why}`)
  if (!plan.value.needed) throw new Error(`${step.title}: nothing to do, so this case shows nothing`)
  expect(sameJson(plan.value.before, plan.value.after)).toBe(false)
  return plan.value
}

function expectState(step: Step, probed: string, state: Needed['after'], law: string): void {
  const kind = STEP_KINDS.find(({ kind }) => kind === step.kind)
  expect(kind?.read(probed, step.want), law).toEqual({ known: true, value: state })
}

async function probeAfter(ground: Ground, step: Step, scripts: readonly Text[]): Promise<string> {
  return await act(ground, scripts, step.probe)
}

type Text = Script | { readonly impossible: string }

/** As the transaction does it: each text is the body of a function, called in a subshell with nothing on stdin. */
async function act(ground: Ground, scripts: readonly Text[], probe?: Script): Promise<string> {
  const bodies = scripts.map((script) => {
    if ('impossible' in script) throw new Error(script.impossible)
    return script.text.trim() === '' ? ':' : script.text
  })
  const acts = bodies.map((body) => `act() {\n${body}\n}\n( act ) < /dev/null >&2 || exit`)
  const ended = await ground.run([...acts, ...(probe === undefined ? [] : [`( ${probe.text}\n)`])].join('\n'))
  expect(ended.code === 0 ? '' : `exit ${ended.code}: ${ended.stderr}`, bodies.join('\n')).toBe('')
  return ended.stdout
}

async function ran(ground: Ground, text: string): Promise<void> {
  const ended = await ground.run(text)
  if (ended.code !== 0) throw new Error(`${text} exited ${ended.code}: ${ended.stderr}`)
}
