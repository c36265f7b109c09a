import { transactionScript } from '../../src/journal/transaction.ts'
import type { Change } from '../../src/model/change.ts'
import type { Host } from '../../src/model/host.ts'
import type { Gate, Plan } from '../../src/model/plan.ts'
import { assemblePlan, questionsFor } from '../../src/plan/assemble.ts'
import { sealPlan } from '../../src/plan/seal.ts'
import { newNonce } from '../../src/run/facts-host.ts'
import { unbundle } from '../../src/shell/bundle.ts'
import { approvedScript } from '../../src/shell/script.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import type { Step } from '../../src/steps/step-kind.ts'
import { opened } from './lab-host.ts'

export type Wish = readonly [kind: string, want: unknown]

export function stepsFor(wishes: readonly Wish[]): readonly Step[] {
  return wishes.flatMap(([name, want]) => {
    const kind = STEP_KINDS.find(({ kind }) => kind === name)
    if (kind === undefined) throw new Error(`no step kind is called ${name}`)
    return kind.bind(want)
  })
}

/** A plan for exactly these steps on a real host, as it is now. Throws what stands in the way. */
export async function planOn(
  host: Host,
  wishes: readonly Wish[],
  gates: readonly Gate[] = [{ gate: 'reads-back' }],
): Promise<Plan> {
  await using session = await opened(host)
  const steps = stepsFor(wishes)
  const questions = questionsFor(steps, approvedScript(':'))
  const nonce = newNonce()
  const outcome = await session.run(questions.script, { as: 'root', timeoutMs: 30_000, arguments: [nonce] })
  if (!('stdout' in outcome)) throw new Error(`planning on ${host.name}: ${JSON.stringify(outcome)}`)
  const judged = {
    host,
    strategy: 'by hand',
    considered: [],
    findings: [],
    notes: [],
    rollbackNotes: [],
    gates: () => ({ gates, notes: [] }),
  }
  const plan = assemblePlan(judged, steps, questions, unbundle(outcome.stdout, nonce, questions.names))
  if (!plan.known) throw new Error(`planning on ${host.name}: ${plan.why}`)
  return plan.value
}

/** The same plan with some changes written otherwise, under a seal of its own. */
export function rewritten(
  { id: _, ...plan }: Plan,
  rewrite: (change: Change, number: number) => Partial<Change>,
): Plan {
  const changes = plan.changes.map((change, index) => ({ ...change, ...rewrite(change, index + 1) }))
  return sealPlan({ ...plan, changes, script: transactionScript(changes, plan.boundTo) })
}
