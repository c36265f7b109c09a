import { type Compilation, caret } from '../expression/expression.ts'
import { didYouMean } from '../input/nearest.ts'

type Refused = Extract<Compilation, { readonly ok: false }>

/** A caret under what is wrong in an expression, and the name that was probably meant, or those that there are. */
export function expressionHint(text: string, { offset, unknown }: Refused): string {
  const meant = unknown === null ? null : (didYouMean(unknown.name, unknown.known) ?? knownHere(unknown.known))
  return [caret(text, offset), ...(meant === null ? [] : [meant])].join('\n')
}

function knownHere(names: readonly string[]): string | null {
  return names.length === 0 ? null : `known here: ${names.join(', ')}`
}
