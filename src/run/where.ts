import { bindReadings } from '../expression/bind-readings.ts'
import { type Compilation, type Compiled, compile, type Evaluation, evaluate } from '../expression/expression.ts'
import type { Shape } from '../expression/shape.ts'
import type { Facts } from '../model/facts.ts'
import type { LeftOut } from '../model/result.ts'
import { NAMES } from '../playbook/names.ts'

/** A condition over facts that was checked: which hosts a command is about. */
export type Where = Compiled

/** Facts under the names that `facts --format json` has for them, and under `facts.` as in playbooks. */
const WHERE_NAMES: Shape = { ...NAMES.facts, facts: NAMES.facts }

/** Checks a condition for `Wish.where`: all that can be known before there is a host. Never throws. */
export function compileWhere(condition: string): Compilation {
  return compile(condition, WHERE_NAMES, 'bool')
}

/** Why a host is not among those that are meant; null where it is, as every host is without a condition. */
export function leftOutBy(where: Where | null | undefined, host: string, facts: Facts): LeftOut | null {
  if (where === null || where === undefined) return null
  const { bindings, whyUnknown } = bindReadings({ ...facts, facts })
  const evaluation = evaluate(where, bindings, whyUnknown)
  if (evaluation.type !== 'value') return { host, status: 'unsure', why: causeOf(evaluation) }
  if (evaluation.value === true) return null
  if (evaluation.value === false) return { host, status: 'left-out' }
  return { host, status: 'unsure', why: `it gives ${JSON.stringify(evaluation.value)}, and neither true nor false` }
}

function causeOf(evaluation: Exclude<Evaluation, { readonly type: 'value' }>): string {
  return evaluation.type === 'unsure' ? evaluation.why : evaluation.message
}
