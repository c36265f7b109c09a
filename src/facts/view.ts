import type { Facts } from '../model/facts.ts'
import type { Json } from '../model/json.ts'
import type { Reading } from '../model/reading.ts'

/** Facts as conditions see them. */
export type FactsView = {
  /** Known readings' values only, in the shape of `Facts`: `facts.conntrack.max` is `values.conntrack.max`. */
  readonly values: { readonly [name: string]: Json }
  /** Why each absent value is absent, by its path: `conntrack.max`. */
  readonly whyUnknown: ReadonlyMap<string, string>
}

export function factsView(facts: Facts): FactsView {
  const whyUnknown = new Map<string, string>()
  return { values: knownIn(facts, [], whyUnknown), whyUnknown }
}

type Tree = { readonly [name: string]: Reading<unknown> | Tree }

function knownIn(
  tree: Tree,
  path: readonly string[],
  whyUnknown: Map<string, string>,
): { readonly [name: string]: Json } {
  const values: [string, Json][] = []
  for (const [name, child] of Object.entries(tree)) {
    const here = [...path, name]
    if (!isReading(child)) values.push([name, knownIn(child, here, whyUnknown)])
    // Readings hold plain JSON, as model/facts.ts types them.
    else if (child.known) values.push([name, child.value as Json])
    else whyUnknown.set(here.join('.'), child.why)
  }
  return Object.fromEntries(values)
}

function isReading(child: Reading<unknown> | Tree): child is Reading<unknown> {
  return typeof child.known === 'boolean'
}
