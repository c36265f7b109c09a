import { InputError } from '../input/complaint.ts'
import type { LeftOut, LeftOutHosts } from '../model/result.ts'
import { expressionHint } from '../playbook/expression-hint.ts'
import { compileWhere, type Where } from '../run/where.ts'

/** The hosts that a command is about after all, and those that its `--where` left out: nothing is done to them. */
export type Sifted<R> = LeftOutHosts & { readonly results: readonly R[] }

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
