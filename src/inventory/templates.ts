import { quoted } from '../input/complaint.ts'
import { jsonOf, type YamlNode } from '../input/yaml-tree.ts'
import { isJsonMap, type Json } from '../model/json.ts'
import { isVault, openVault, type VaultPassword } from './vault.ts'
import type { Variable } from './written.ts'

/** A value as it is once vaults are open and templates filled in, or why it stays unknown: "is a template: …". */
export type Plain = { readonly value: Json; readonly secret: boolean } | Unfilled
export type Unfilled = { readonly cannot: string; readonly hint: string }

/** Everything that a template of one host may name. */
export type Scope = {
  readonly variables: ReadonlyMap<string, Variable>
  /** What Ansible knows beside them: `inventory_hostname`. */
  readonly magic: { readonly [name: string]: Json }
  readonly passwords: readonly VaultPassword[]
}

/**
 * Works a value out where that takes no template engine: literals, other variables of the same host, members of them, and
 * `default`, `string` and `int` behind a bar, alone or within a text. All else stays unfilled.
 * @param isSecret nothing of it is to be said, whatever it is
 */
export function plainValue(variable: Variable, scope: Scope, isSecret = false): Plain {
  return ofNode(variable.value, scope, { names: { left: MOST_NAMES }, secret: isSecret || variable.secret === true })
}

export function isTemplate(text: string): boolean {
  return /\{\{|\{%|\{#/.test(text)
}

/** How many names may still be looked up for the one value: they may lead in a circle. */
type At = { readonly names: { left: number }; readonly secret: boolean }

const MOST_NAMES = 50

function ofNode(node: YamlNode, scope: Scope, at: At): Plain {
  if (node.type !== 'scalar') return { value: jsonOf(node), secret: at.secret }
  if (node.tag === '!vault' || node.tag === '!vault-encrypted') return openedValue(String(node.value), scope, at)
  if (node.tag === '!unsafe') return { value: node.value, secret: at.secret }
  if (node.tag !== null)
    return { cannot: at.secret ? 'has a tag' : `has the tag ${node.tag}`, hint: 'write the plain value' }
  // What an INI has of a vault is no more than its text.
  if (typeof node.value === 'string' && isVault(node.value)) return openedValue(node.value, scope, at)
  return ofJson(node.value, scope, at)
}

function openedValue(sealed: string, scope: Scope, at: At): Plain {
  const opened = openVault(sealed, scope.passwords)
  if ('text' in opened) return ofJson(opened.text, scope, { ...at, secret: true })
  const hint = 'give the password of the vault: --vault-password-file FILE, or --ask-vault-pass'
  return { cannot: `is a vault: ${opened.sealed}`, hint }
}

function ofJson(value: Json, scope: Scope, at: At): Plain {
  if (typeof value !== 'string' || !isTemplate(value)) return { value, secret: at.secret }
  return fill(value, scope, at)
}

function fill(text: string, scope: Scope, at: At): Plain {
  const unfilled = (hint: string): Unfilled =>
    at.secret ? { cannot: 'is a template', hint: WRITE_IT } : { cannot: `is a template: ${quoted(text)}`, hint }
  const pieces = text.split(/\{\{([\s\S]*?)\}\}/)
  if (pieces.some((piece, index) => index % 2 === 0 && isTemplate(piece))) return unfilled(WRITE_IT)
  const filled = pieces.map((piece, index) =>
    index % 2 === 0 ? { value: piece, secret: false } : expression(piece, scope, at),
  )
  const wrong = filled.find((each) => 'cannot' in each)
  if (wrong !== undefined) return unfilled(wrong.hint)
  const parts = filled.filter((each) => 'value' in each)
  const secret = at.secret || parts.some((part) => part.secret)
  const [, only] = parts
  if (parts.length === 3 && pieces[0]?.trim() === '' && pieces[2]?.trim() === '' && only !== undefined)
    return { value: only.value, secret }
  if (parts.some(({ value }) => typeof value === 'object' && value !== null)) return unfilled(WRITE_IT)
  return { value: parts.map(({ value }) => textOf(value)).join(''), secret }
}

const WRITE_IT = 'ctfleet fills in no templates but names of other variables: write the value itself'

/** `name.member | default('x')`. What is beyond it is unfilled without a cause of its own. */
function expression(text: string, scope: Scope, at: At): Plain {
  const [first = '', ...filters] = splitBars(text)
  let value = term(first.trim(), scope, at)
  for (const filter of filters) value = filtered(value, filter.trim(), scope, at)
  return value
}

function splitBars(text: string): readonly string[] {
  return text.match(/(?:'[^']*'|"[^"]*"|[^|'"])+/g) ?? []
}

function filtered(value: Plain, filter: string, scope: Scope, at: At): Plain {
  const otherwise = /^(?:default|d)\(([^()]*)\)$/.exec(filter)?.[1]
  if (otherwise !== undefined)
    return 'cannot' in value && value.cannot === UNDEFINED ? term(otherwise.trim(), scope, at) : value
  if ('cannot' in value) return value
  if (filter === 'string') return { ...value, value: textOf(value.value) }
  if (filter === 'int' && /^-?\d+$/.test(textOf(value.value))) return { ...value, value: Number(value.value) }
  return { cannot: BEYOND, hint: WRITE_IT }
}

const UNDEFINED = 'undefined'
const BEYOND = 'beyond'

function term(text: string, scope: Scope, at: At): Plain {
  const literal = /^(?:'([^'\\]*)'|"([^"\\]*)"|(-?\d+(?:\.\d+)?))$/.exec(text)
  if (literal !== null) {
    const [, single, double, number] = literal
    return { value: number === undefined ? (single ?? double ?? '') : Number(number), secret: false }
  }
  if (/^(?:true|True)$/.test(text)) return { value: true, secret: false }
  if (/^(?:false|False)$/.test(text)) return { value: false, secret: false }
  const [, name, members] = /^([A-Za-z_]\w*)((?:\.\w+|\[(?:'[^'\]]*'|"[^"\]]*"|\d+)\])*)$/.exec(text) ?? []
  if (name === undefined || members === undefined) return { cannot: BEYOND, hint: WRITE_IT }
  let value = named(name, scope, at)
  for (const member of members.match(/\w+|'[^']*'|"[^"]*"/g) ?? []) {
    if ('cannot' in value) return value
    const inner = memberOf(value.value, member.replace(/^['"]|['"]$/g, ''))
    if (inner === undefined) return notDefined(text)
    value = ofJson(inner, scope, { ...at, secret: value.secret })
  }
  return value
}

function named(name: string, scope: Scope, at: At): Plain {
  if (at.names.left-- <= 0) return { cannot: BEYOND, hint: 'its names lead in a circle: write the value itself' }
  const variable = scope.variables.get(name)
  if (variable !== undefined) return ofNode(variable.value, scope, { ...at, secret: variable.secret === true })
  const magic = Object.hasOwn(scope.magic, name) ? scope.magic[name] : undefined
  if (magic !== undefined) return { value: magic, secret: false }
  return notDefined(name)
}

function notDefined(name: string): Unfilled {
  return { cannot: UNDEFINED, hint: `the inventory has no variable ${name} of this host: write the value itself` }
}

function memberOf(value: Json, member: string): Json | undefined {
  if (Array.isArray(value)) return value[Number(member)]
  return isJsonMap(value) && Object.hasOwn(value, member) ? value[member] : undefined
}

/** As Python writes it into a text. */
function textOf(value: Json): string {
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (value === null) return 'None'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
