import { type Compilation, caret } from '../expression/expression.ts'
import { didYouMean } from '../input/nearest.ts'

type Refused = Extract<Compilation, { readonly ok: false }>

/** A caret under what is wrong in an expression, and the name that was probably meant, those that there are, or what would do. */
export function expressionHint(text: string, refused: Refused): string {
  const { offset, unknown } = refused
  const meant =
    unknown === null ? whatWouldDo(refused) : (didYouMean(unknown.name, unknown.known) ?? knownHere(unknown))
  return [caret(text, offset), ...(meant === null ? [] : [meant])].join('\n')
}

function knownHere({ name, known }: NonNullable<Refused['unknown']>): string {
  if (known.length > 0) return `known here: ${known.join(', ')}`
  return `vars are worked out from top to bottom: write ${JSON.stringify(name)} above the first that uses it`
}

const FUNCTIONS = ['min', 'max', 'floor', 'ceil', 'size', 'string', 'assume', 'matches', 'exists', 'all']

function whatWouldDo({ message }: Refused): string | null {
  const called = /no matching overload for '(?:.*\.)?(\w+)\(/.exec(message)?.[1]
  if (called !== undefined && !FUNCTIONS.includes(called))
    return didYouMean(called, FUNCTIONS) ?? `functions: ${FUNCTIONS.join(', ')}`
  if (called !== undefined) return `look at what ${called} takes: docs/playbooks.md, Expressions`
  if (message.startsWith('no such overload'))
    return 'both sides have to be of one kind: string(x) makes a text of a number'
  if (message.startsWith('must be true or false')) return 'compare it with something, as in facts.conntrack.max > 65536'
  if (message.startsWith('exceeded max')) return 'make it shorter: give parts of it a name in vars'
  return null
}
