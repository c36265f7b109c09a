/** `core` is YAML 1.2's core schema; `ansible` is what PyYAML makes of the same text, near YAML 1.1. */
export type Dialect = 'core' | 'ansible'

/** What a plain (unquoted) value means. Dates stay text in both. */
export function plainValue(text: string, dialect: Dialect): string | number | boolean | null {
  if (/^(?:|~|null|Null|NULL)$/.test(text)) return null
  return dialect === 'core' ? coreValue(text) : pyyamlValue(text)
}

/** https://yaml.org/spec/1.2.2/#103-core-schema */
function coreValue(text: string): string | number | boolean {
  if (/^(?:true|True|TRUE)$/.test(text)) return true
  if (/^(?:false|False|FALSE)$/.test(text)) return false
  if (/^0o[0-7]+$|^0x[0-9a-fA-F]+$/.test(text)) return safe(Number(text), text)
  if (/^[-+]?[0-9]+$/.test(text)) return safe(Number(text), text)
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return finite(Number(text), text)
  return text
}

/**
 * The patterns of PyYAML's resolver.py: no `y` and `n`, a float needs a dot and a signed exponent (`1e3` is text),
 * a leading 0 makes an octal number, and `1:30` is 90.
 */
function pyyamlValue(text: string): string | number | boolean {
  if (/^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(text)) return true
  if (/^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(text)) return false
  const sign = text.startsWith('-') ? -1 : 1
  const digits = text.replace(/^[-+]/, '').replaceAll('_', '')
  if (/^[-+]?0b[0-1_]+$/.test(text)) return safe(sign * Number.parseInt(digits.slice(2), 2), text)
  if (/^[-+]?0x[0-9a-fA-F_]+$/.test(text)) return safe(sign * Number.parseInt(digits.slice(2), 16), text)
  if (/^[-+]?0[0-7_]+$/.test(text)) return safe(sign * Number.parseInt(digits, 8), text)
  if (/^[-+]?(?:0|[1-9][0-9_]*)$/.test(text)) return safe(sign * Number(digits), text)
  if (/^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/.test(text)) return safe(sign * sexagesimal(digits), text)
  if (/^[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?$|^[-+]?\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?$/.test(text))
    return finite(sign * Number(digits), text)
  return text
}

function sexagesimal(digits: string): number {
  return digits.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
}

/** A number that doubles cannot hold stays the text it was: nothing is rounded behind the author's back. */
function safe(value: number, text: string): number | string {
  return Number.isSafeInteger(value) ? value : text
}

function finite(value: number, text: string): number | string {
  return Number.isFinite(value) ? value : text
}
