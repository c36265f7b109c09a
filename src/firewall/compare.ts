import type { Assignment, Node } from './decision.ts'
import type { Passage } from './passage.ts'
import type { Question } from './question.ts'

/**
 * How a change alters what passes. `breaks`: something passed and no longer does; `opens`: something passes that did not;
 * `unsure`: a rule that we do not understand, or that answers differently from packet to packet, has a say; `effects`: a rule
 * that marks, writes or counts would meet other packets.
 */
export type Difference = {
  readonly kind: 'breaks' | 'opens' | 'unsure' | 'effects'
  readonly passage: string
  /** The rule or policy that decides, as `table: -A CHAIN …`; null where none is to be named. */
  readonly rule: string | null
}

export function differences(question: Question, before: Passing, after: Passing): readonly Difference[] {
  const changed = before.passages.flatMap((was, index) => changesOf(question, was, after.passages[index] as Passage))
  return changed.length > 0 ? changed : volatileIn(question, before, after)
}

/** What passes under one rule set, and which packets meet a rule that counts them. */
export type Passing = {
  readonly passages: readonly Passage[]
  readonly meters: (site: string) => readonly (Node | null)[]
  /** Every rule that does more than decide on such packets. */
  readonly effects: readonly string[]
}

/** The first of what no longer passes, of that which need not. */
export function lossIn(question: Question, before: Passing, after: Passing): Difference | null {
  const lost = before.passages.flatMap((was, index) => {
    if (!was.mayBreak) return []
    const { mayBreak: _, ...strict } = was
    return changesOf(question, strict, after.passages[index] as Passage).filter(({ kind }) => kind === 'breaks')
  })
  return lost[0] ?? null
}

function changesOf(question: Question, was: Passage, is: Passage): readonly Difference[] {
  const { decisions } = question
  const changes = was.mayBreak
    ? decisions.combine('opening', was.passes, is.passes, opening)
    : decisions.combine('change', was.passes, is.passes, change)
  return (['breaks', 'opens', 'unsure'] as const).flatMap((kind): Difference[] => {
    const at = decisions.witness(changes, (value) => value === kind)
    if (at === null) return []
    const rule =
      kind === 'unsure'
        ? (blamed(was, 'unsure', at) ?? blamed(is, 'unsure', at))
        : blamed(kind === 'breaks' ? is : was, 'drop', at)
    return [{ kind, passage: was.name, rule }]
  })
}

/** The rule or policy that ends one packet so, on the first of a passage's ways that does. */
function blamed({ ways }: Passage, end: 'drop' | 'unsure', at: Assignment): string | null {
  for (const way of ways) {
    const decided = way(at)
    if (decided.end === end) return decided.site
  }
  return null
}

/** A verdict may rest on a rule that counts packets only while exactly the same packets meet it. */
function volatileIn(question: Question, before: Passing, after: Passing): readonly Difference[] {
  const strict = [...before.passages, ...after.passages].filter(({ mayBreak }) => !mayBreak)
  const found = strict.flatMap(({ name, passes }) =>
    question.decisions
      .variablesOf(passes)
      .flatMap(({ volatile }) => (volatile === null ? [] : [{ name, ...volatile }])),
  )
  const [free] = found.filter(({ metered }) => !metered)
  if (free !== undefined) return [{ kind: 'unsure', passage: free.name, rule: free.site }]
  const moved = (sites: readonly string[]) => sites.find((site) => !sameMeters(before.meters(site), after.meters(site)))
  const counted = moved([...new Set(found.map(({ site }) => site))])
  if (counted !== undefined) return [{ kind: 'unsure', passage: found[0]?.name ?? '', rule: counted }]
  const other = moved(before.effects)
  return other === undefined ? [] : [{ kind: 'effects', passage: '', rule: other }]
}

function sameMeters(before: readonly (Node | null)[], after: readonly (Node | null)[]): boolean {
  return before.length === after.length && before.every((met, index) => met !== null && met === after[index])
}

function change(was: string, is: string): string {
  if (was === 'unsure' || is === 'unsure') return 'unsure'
  if (was === is) return 'same'
  return was === 'yes' ? 'breaks' : 'opens'
}

function opening(was: string, is: string): string {
  if (was === is || was === 'yes' || is === 'no') return 'same'
  return was === 'no' && is === 'yes' ? 'opens' : 'unsure'
}

/** One passage by itself: who counts its packets is not asked. */
export function alone(passage: Passage): Passing {
  return { passages: [passage], meters: () => [null], effects: [] }
}
