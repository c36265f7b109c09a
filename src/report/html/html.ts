import { visible } from '../format.ts'

const TEXT = Symbol('html')

/** HTML that may be written as it stands: nothing but `html` makes any. */
export type Html = { readonly [TEXT]: string }

type Hole = string | number | Html | readonly Html[]

/**
 * HTML with holes. A text in a hole, between tags or in the quotes of an attribute, is escaped, and what nobody could see in it
 * is made visible; HTML stands as it is.
 */
export function html(parts: TemplateStringsArray, ...holes: readonly Hole[]): Html {
  return { [TEXT]: parts.map((part, at) => part + textOf(holes[at] ?? '')).join('') }
}

export function htmlText(value: Html): string {
  return value[TEXT]
}

/** Nothing at all, where a part is left out. */
export const NOTHING = html``

function textOf(hole: Hole): string {
  if (typeof hole === 'string') return visible(hole).replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '')
  if (typeof hole === 'number') return String(hole)
  return isMade(hole) ? hole[TEXT] : hole.map(htmlText).join('')
}

function isMade(hole: Html | readonly Html[]): hole is Html {
  return TEXT in hole
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
