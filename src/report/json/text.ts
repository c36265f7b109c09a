/** JSON for people and programs: two spaces, and nothing in it that a terminal would obey. Parsing gives the value unchanged. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replace(UNSEEN, escaped)}\n`
}

// All that `visible` escapes, but for newlines, which only stand between values here.
const UNSEEN = /[\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?!\n)\p{C}|(?<=["\s])\p{M}+|(?<=\p{M}{3})\p{M}+/gu

function escaped(text: string): string {
  const units = text.split('')
  return units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
}
