import { createHash } from 'node:crypto'

declare const brand: unique symbol

/** POSIX shell text that may run on a host. Only `sh` makes one, so no value ever reaches a shell unquoted. */
export type Script = { readonly text: string; readonly [brand]: true }

type Value = string | number | Script | readonly (string | number)[]

/**
 * Writes shell: literal parts stand as they are (`\\n` stays two characters; `\\${` is the shell's own `${`), every value
 * becomes one quoted word, an array one word each, and a Script is set in as it is.
 * @throws on a NUL character, which no shell word can hold, and on a number that is not a safe integer.
 */
export function sh(literals: TemplateStringsArray, ...values: readonly Value[]): Script {
  const literal = (raw: string) => raw.replaceAll('\\${', '${').replaceAll('\\`', '`')
  return script(
    literals.raw.map((raw, at) => literal(raw) + (at < values.length ? textOf(values[at] as Value) : '')).join(''),
  )
}

/** Sets scripts one below the other. */
export function lines(...scripts: readonly Script[]): Script {
  return script(scripts.map(({ text }) => text).join('\n'))
}

/** Takes text that a reviewed plan holds back as the script it was written from. */
export function approvedScript(text: string): Script {
  return script(text)
}

/** One shell word that stands for exactly this text. */
export function quote(text: string): string {
  if (text.includes('\0')) throw new TypeError('a shell word cannot hold a NUL character')
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function textOf(value: Value): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return numeral(value)
  if ('text' in value) return value.text
  return value.map((each) => textOf(each)).join(' ')
}

function numeral(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not a whole number that a shell can hold: ${value}`)
  return String(value)
}

function script(text: string): Script {
  return { text } as Script
}
