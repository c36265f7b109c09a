import { parseRegex, type RegexNode } from './regex-syntax.ts'

/**
 * Whether a text begins with what a regular expression of Python describes, as `re.match` has it. The time is in proportion
 * to the length of the text, whatever the expression: it goes through all ways at once and never back, so that a slip in
 * `--limit` cannot keep ctfleet busy for years.
 * @returns why not, a clause, where it cannot be read
 */
export function regexMatcher(source: string): ((text: string) => boolean) | { readonly wrong: string } {
  const built = machineOf(source)
  if ('wrong' in built) return built
  const { states, start, charactersOf } = built
  return (text) => matchesAt({ states, start }, charactersOf(text), 0)
}

/** Is told how many steps are to be made for the next character, and ends the search by throwing. */
export type Spend = (steps: number) => void

/** Whether a text has, anywhere in it, what a regular expression describes, which may not look ahead. */
export function regexSearcher(source: string): ((text: string, spend: Spend) => boolean) | { readonly wrong: string } {
  const built = machineOf(source)
  if ('wrong' in built) return built
  const { states, start, charactersOf, looks } = built
  if (looks) return { wrong: 'ctfleet does not follow a look ahead, (?= or (?!, in it' }
  return (text, spend) => matchesAt({ states, start, isAnywhere: true, spend }, charactersOf(text), 0)
}

function machineOf(source: string) {
  const parsed = parseRegex(source)
  if ('wrong' in parsed) return parsed
  const states: State[] = []
  const start = build(parsed.node, add(states, { type: 'end' }), states)
  if (start === null) return { wrong: `it is too long: it comes to more than ${MOST_STATES} steps` }
  // Only what looks ahead has an end of its own.
  const looks = states.filter(({ type }) => type === 'end').length > 1
  const charactersOf = (text: string) => Array.from(parsed.ignoreCase ? text.toLowerCase() : text)
  return { states, start, looks, charactersOf }
}

const MOST_STATES = 5000

/** `next` and `others` are places in the list of states. */
type State =
  | { readonly type: 'character'; readonly is: (character: string) => boolean; readonly next: number }
  | { readonly type: 'fork'; others: readonly number[] }
  | { readonly type: 'place'; readonly holds: (text: readonly string[], at: number) => boolean; readonly next: number }
  | { readonly type: 'end' }

function add(states: State[], state: State): number {
  return states.push(state) - 1
}

/** The state to begin with so that, after the node, all goes on at `next`; null where it takes too many. */
function build(node: RegexNode, next: number, states: State[]): number | null {
  if (states.length > MOST_STATES) return null
  switch (node.type) {
    case 'character':
      return add(states, { type: 'character', is: node.is, next })
    case 'place':
      return add(states, { type: 'place', holds: node.holds, next })
    case 'look': {
      const end = add(states, { type: 'end' })
      const inner = build(node.inner, end, states)
      if (inner === null) return null
      // Asked again and again by one look inside another, so the answer is kept for as long as the text is.
      const answers = new WeakMap<readonly string[], Map<number, boolean>>()
      const holds = (text: readonly string[], at: number) => {
        const known = answers.get(text) ?? new Map<number, boolean>()
        answers.set(text, known)
        const answer = known.get(at) ?? matchesAt({ states, start: inner }, text, at) !== node.isNegated
        known.set(at, answer)
        return answer
      }
      return add(states, { type: 'place', holds, next })
    }
    case 'row':
      return node.items.reduceRight<number | null>(
        (after, item) => (after === null ? null : build(item, after, states)),
        next,
      )
    case 'choice': {
      const ways = node.ways.map((way) => build(way, next, states))
      return ways.every((way) => way !== null) ? add(states, { type: 'fork', others: ways }) : null
    }
    case 'repeat':
      return repeated(node, next, states)
  }
}

function repeated(
  { inner, least, most }: Extract<RegexNode, { type: 'repeat' }>,
  next: number,
  states: State[],
): number | null {
  let after: number | null = next
  if (most === null) {
    const loop = { type: 'fork' as const, others: [next] as readonly number[] }
    after = add(states, loop)
    const again = build(inner, after, states)
    if (again === null) return null
    loop.others = [again, next]
  } else {
    for (let time = least; time < most && after !== null; time++) {
      const once = build(inner, after, states)
      after = once === null ? null : add(states, { type: 'fork', others: [once, next] })
    }
  }
  for (let time = 0; time < least && after !== null; time++) after = build(inner, after, states)
  return after
}

type Machine = {
  readonly states: readonly State[]
  readonly start: number
  /** It may begin at any character from there on. */
  readonly isAnywhere?: boolean
  readonly spend?: Spend
}

/** Whether some way from the start comes to its end, from a character on. */
function matchesAt({ states, start, isAnywhere, spend }: Machine, text: readonly string[], from: number): boolean {
  let now = [start]
  for (let at = from; ; at++) {
    const waiting: Extract<State, { type: 'character' }>[] = []
    const seen = new Set<number>()
    for (let index = now.pop(); index !== undefined; index = now.pop()) {
      if (seen.has(index)) continue
      seen.add(index)
      const state = states[index] as State
      switch (state.type) {
        case 'end':
          return true
        case 'fork':
          now.push(...state.others)
          break
        case 'place':
          if (state.holds(text, at)) now.push(state.next)
          break
        case 'character':
          waiting.push(state)
          break
      }
    }
    spend?.(seen.size)
    const character = text[at]
    if (character === undefined || (waiting.length === 0 && isAnywhere !== true)) return false
    now = waiting.filter(({ is }) => is(character)).map(({ next }) => next)
    if (isAnywhere === true) now.push(start)
  }
}
