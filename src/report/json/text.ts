/** JSON for people and programs: two spaces, and nothing in it that a terminal would obey. Parsing gives the value unchanged. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replace(UNSEEN, escaped)}\n`
}

/** The same text in parts, one for each item of its list `key`: of ten thousand hosts the whole would not fit in memory. */
export function* jsonParts(document: object, key: string): Generator<string> {
  const items = Object.entries(document).find(([name]) => name === key)?.[1]
  const place = `\n  ${JSON.stringify(key)}: [`
  const around = jsonText({ ...document, [key]: [] })
  // Newlines stand only between values, and this indent only at the top.
  const at = around.indexOf(`${place}]`)
  if (!Array.isArray(items) || items.length === 0 || at === -1) {
    yield jsonText(document)
    return
  }
  yield around.slice(0, at + place.length)
  for (const [index, item] of items.entries())
    yield `${index === 0 ? '' : ','}\n    ${jsonText(item).trimEnd().replaceAll('\n', '\n    ')}`
  yield `\n  ${around.slice(at + place.length)}`
}

// All that `visible` escapes, but for newlines, which only stand between values here.
const UNSEEN = /[\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?!\n)\p{C}|(?<=["\s])\p{M}+|(?<=\p{M}{3})\p{M}+/gu

function escaped(text: string): string {
  const units = text.split('')
  return units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
}
