import type { Edit } from '../../src/firewall/edits.ts'
import type { Flow } from '../../src/firewall/flow-entries.ts'
import type { Impossible } from '../../src/model/change.ts'
import { bundle, unbundle } from '../../src/shell/bundle.ts'
import { type Script, sh } from '../../src/shell/script.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import type { Step } from '../../src/steps/step-kind.ts'
import type { Agent } from './agent.ts'

/**
 * Applies a patch as the notrack playbook does: the steps' own scripts, from the states that their own probes printed
 * beforehand, all in one go.
 * @returns what went wrong, and the way back by the undo scripts in reverse, which says what went wrong as well.
 */
export async function applyPatch(
  host: Agent,
  edits: readonly Edit[],
  flows: readonly Flow[],
): Promise<{ readonly broken: readonly string[]; readonly undo: () => Promise<readonly string[]> }> {
  const steps = [
    ...(edits.length === 0 ? [] : stepsOf('firewall', { edits, flows })),
    ...flows.flatMap((flow) => stepsOf('flush-entries', flow)),
  ]
  const before = await probed(host, steps)
  const plans = steps.map((step, at) => ({ step, plan: step.plan(before[at] ?? '', step.volatile) }))
  const broken: string[] = []
  const undos: { readonly step: Step; readonly undo: Script | Impossible }[] = []
  for (const { step, plan } of plans) {
    if (!plan.known) broken.push(`${step.title}: ${plan.why}`)
    else if (plan.value.needed) {
      undos.unshift({ step, undo: plan.value.undo })
      broken.push(...(await ran(host, `apply: ${step.title}`, plan.value.apply)))
    }
  }
  broken.push(...(await readsBack(host, steps)))
  return {
    broken,
    async undo() {
      const wrong: string[] = []
      for (const { step, undo } of undos) wrong.push(...(await ran(host, `undo: ${step.title}`, undo)))
      const now = await probed(host, steps)
      for (const [at, step] of steps.entries()) {
        if (!step.volatile && now[at] !== before[at]) wrong.push(`${step.title}: undone, and yet not as before`)
      }
      return wrong
    },
  }
}

function stepsOf(kind: string, want: unknown): readonly Step[] {
  return STEP_KINDS.find((each) => each.kind === kind)?.bind(want) ?? []
}

async function probed(host: Agent, steps: readonly Step[]): Promise<readonly string[]> {
  const names = steps.map((_, at) => `step-${at + 1}`)
  const probes = steps.map(({ probe }, at) => ({ name: names[at] as string, probe }))
  const script = bundle(probes, { bytes: 262_144 })
  const { stdout } = await host.run(['sh', '-c', script.text, 'sh', 'nonce'])
  const answers = unbundle(stdout, 'nonce', names)
  return names.map((name) => {
    const answer = answers.get(name)
    return answer?.known ? answer.value.output : ''
  })
}

async function ran(host: Agent, what: string, script: Script | Impossible): Promise<readonly string[]> {
  if ('impossible' in script) return [`${what}: ${script.impossible}`]
  const { code, stdout, stderr } = await host.run(['sh', '-c', sh`${script}`.text])
  return code === 0 ? [] : [`${what}: exited ${code}: ${stderr}${stdout}`]
}

async function readsBack(host: Agent, steps: readonly Step[]): Promise<readonly string[]> {
  const now = await probed(host, steps)
  return steps.flatMap((step, at) => {
    if (step.volatile) return []
    const plan = step.plan(now[at] ?? '')
    if (!plan.known) return [`${step.title}: applied, and then: ${plan.why}`]
    return plan.value.needed ? [`${step.title}: applied, and yet not there`] : []
  })
}
