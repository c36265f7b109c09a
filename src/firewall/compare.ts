import { kindOf, type Node } from './decision.ts'
import type { Passage } from './flow.ts'
import type { Question } from './match.ts'

/**
 * How a change alters what passes. `breaks`: something passed and no longer does; `opens`: something passes that did not;
 * `unsure`: a rule that we do not understand, or that answers differently from packet to packet, has a say.
 */
export type Difference = {
  readonly kind: 'breaks' | 'opens' | 'unsure'
  readonly passage: string
  /** The rule or policy that decides, as `table: -A CHAIN …`; null where none is to be named. */
  readonly rule: string | null
}

export function differences(question: Question, before: readonly Passage[], after: readonly Passage[]): readonly Difference[] {
  return before.flatMap((was, index) => {
    const is = after[index] as Passage
    return [...changesOf(question, was, is), ...volatileIn(question, was, is)].slice(0, 2)
  })
}

function changesOf(question: Question, was: Passage, is: Passage): readonly Difference[] {
  const { decisions } = question
  const changes = decisions.combine('change', was.passes, is.passes, change)
  return [...new Set([...decisions.valuesOf(changes)].map(kindOf))].flatMap((kind): Difference[] => {
    if (kind !== 'breaks' && kind !== 'opens' && kind !== 'unsure') return []
    const at = decisions.witness(changes, (value) => kindOf(value) === kind)
    if (at === null) return []
    const value = decisions.valueAt(changes, at)
    const rule = kind === 'unsure' ? siteIn(value) : (blamed(kind === 'breaks' ? is : was, 'drop') ?? null)
    return [{ kind, passage: was.name, rule }]

    function blamed({ fates }: Passage, end: string): string | undefined {
      const found = fates.map((fate) => decisions.valueAt(fate, at ?? new Map())).find((each) => kindOf(each) === end)
      return found === undefined ? undefined : (siteIn(found) ?? undefined)
    }
  })
}

function volatileIn(question: Question, was: Passage, is: Passage): readonly Difference[] {
  const variables = [was.passes, is.passes].flatMap((node: Node) => question.decisions.variablesOf(node))
  const found = variables.find(({ volatile }) => volatile !== null)
  return found === undefined ? [] : [{ kind: 'unsure', passage: was.name, rule: found.volatile }]
}

function change(was: string, is: string): string {
  if (kindOf(was) === 'unsure') return was
  if (kindOf(is) === 'unsure') return is
  if (was === is) return 'same'
  return was === 'yes' ? 'breaks' : 'opens'
}

function siteIn(value: string): string | null {
  const bar = value.indexOf('|')
  return bar === -1 ? null : value.slice(bar + 1)
}
