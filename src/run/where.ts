import { bindReadings } from '../expression/bind-readings.ts'
import { type Compilation, type Compiled, compile, type Evaluation, evaluate } from '../expression/expression.ts'
import { InputError } from '../input/complaint.ts'
import type { Facts } from '../model/facts.ts'
import type { LeftOut, LeftOutHosts } from '../model/result.ts'
import { expressionHint } from '../playbook/expression-hint.ts'
import { FACT_NAMES } from '../playbook/names.ts'

/** A condition over facts that was checked: which hosts a command is about. */
export type Where = Compiled

/** Checks a condition for `Wish.where`: all that can be known before there is a host. Never throws. */
export function compileWhere(condition: string): Compilation {
  return compile(condition, FACT_NAMES, 'bool')
}

/** @throws InputError with a caret under the mistake, before any host is contacted. */
export function whereFrom(text: string | undefined): Where | null {
  if (text === undefined) return null
  const compilation = compileWhere(text)
  if (compilation.ok) return compilation.compiled
  const { message, offset } = compilation
  const before = text.slice(0, offset).split('\n')
  throw new InputError([
    {
      file: '--where',
      line: before.length,
      column: (before.at(-1) ?? '').length + 1,
      path: '',
      message,
      hint: expressionHint(text, compilation),
    },
  ])
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

/** The hosts that a command is about after all, and those that its `--where` left out: nothing is done to them. */
export type Sifted<R> = LeftOutHosts & { readonly results: readonly R[] }

export function sifted<R extends { readonly host: string; readonly status: string }>(
  all: readonly (R | LeftOut)[],
): Sifted<R> {
  const isLeftOut = (result: R | LeftOut): result is LeftOut => STATUSES.has(result.status)
  const unsure = all.flatMap((result) =>
    isLeftOut(result) && result.status === 'unsure' ? [{ host: result.host, why: result.why }] : [],
  )
  return {
    results: all.filter((result): result is R => !isLeftOut(result)),
    leftOut: all.filter(({ status }) => status === 'left-out').map(({ host }) => host),
    unsure,
  }
}

const STATUSES: ReadonlySet<string> = new Set<LeftOut['status']>(['left-out', 'unsure'])
