import { visible } from '../format.ts'

/** An element of XML; attributes that are null are left out. Content is text, or elements. */
export type Element = {
  readonly name: string
  readonly attributes: { readonly [name: string]: string | number | null }
  readonly content: string | readonly Element[]
}

export function element(name: string, attributes: Element['attributes'], content: Element['content']): Element {
  return { name, attributes, content }
}

export function properties(pairs: readonly (readonly [name: string, value: string])[]): Element {
  return element(
    'properties',
    {},
    pairs.map(([name, value]) => element('property', { name, value }, [])),
  )
}

/** Newlines between lines are ours; those within are a host's, and become visible by themselves. */
export function linesOf(texts: readonly string[]): string {
  return texts.map((text) => text.replaceAll('\n', '\\n')).join('\n')
}

/**
 * An XML 1.0 document in UTF-8. Text becomes visible before it is escaped, which leaves none of the characters that XML 1.0 has not
 * (https://www.w3.org/TR/xml/#charsets): controls, surrogates, U+FFFE and U+FFFF.
 */
export function xmlText(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${lines(root, '').join('\n')}\n`
}

function lines({ name, attributes, content }: Element, margin: string): readonly string[] {
  const values = Object.entries(attributes).flatMap(([key, value]) =>
    value === null ? [] : [` ${key}="${escaped(String(value))}"`],
  )
  const head = `${margin}<${name}${values.join('')}`
  if (content.length === 0) return [`${head}/>`]
  if (typeof content === 'string') return [`${head}>${content.split('\n').map(escaped).join('\n')}</${name}>`]
  return [`${head}>`, ...content.flatMap((each) => lines(each, `${margin}  `)), `${margin}</${name}>`]
}

function escaped(text: string): string {
  return visible(text).replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  // `]]>` may not stand in text.
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}
