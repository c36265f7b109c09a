import { grouped } from '../diagnosis/numbers.ts'
import type { Json } from '../model/json.ts'

/**
 * A sentence that a playbook makes: a text, or a list of its parts, of which numbers are written as reports write them
 * (`1 240 000`). A number that is to be typed belongs into a text, by CEL's `string()`.
 * @returns null for an empty one, and for what is none
 */
export function sentenceOf(value: Json | undefined): string | null {
  const parts = Array.isArray(value) ? value : [value]
  const texts = parts.flatMap((part) =>
    typeof part === 'string' ? [part] : typeof part === 'number' ? [grouped(part)] : [],
  )
  return texts.length < parts.length ? null : texts.join('') || null
}

/** Why one of its values is what it is: `max_because` for `max`; null where the playbook does not say. */
export function becauseOf(vars: { readonly [name: string]: Json }, name: string): string | null {
  return sentenceOf(vars[`${name}_because`])
}

/** What can be done on a host that the playbook does not fit; null where it knows nothing that surely helps. */
export function firstAidOf(vars: { readonly [name: string]: Json }): string | null {
  return sentenceOf(vars.first_aid)
}
