import { resolve } from 'node:path'
import type { Complaint } from '../input/complaint.ts'
import type { Json } from '../model/json.ts'
import { SECRET } from './hushed.ts'
import { plainValue } from './templates.ts'
import { isSecretName, whatIsWrong } from './variables.ts'
import type { VaultPassword } from './vault.ts'
import { complaintAt, type Variable } from './written.ts'

/** Reads what is said of one host; what cannot be read, or used, becomes a complaint at its place. */
export type Look = {
  /** The value of the first of these names that is set; undefined where none is, or after a complaint. */
  readonly value: (...names: readonly string[]) => Json | undefined
  readonly text: (...names: readonly string[]) => string | undefined
  readonly refuse: (name: string, message: string, hint: string) => void
  /** Whether nothing of its value may be said; known once it was looked at. */
  readonly isSecret: (name: string) => boolean
}

export type Looked = {
  readonly name: string
  /** The inventory that names the host first, as an absolute path. */
  readonly inventory: string
  readonly variables: ReadonlyMap<string, Variable>
}

export function lookAt(host: Looked, passwords: readonly VaultPassword[], complaints: Complaint[]): Look {
  const { variables } = host
  const scope = { variables, passwords, magic: magicOf(host) }
  const secrets = new Set<string>()
  const refuse = (name: string, message: string, hint: string | null) =>
    secrets.has(name) ? complain(name, SECRET.message, SECRET.hint) : complain(name, message, hint)
  const complain = (name: string, message: string, hint: string | null) => {
    const variable = variables.get(name)
    if (variable !== undefined)
      complaints.push(complaintAt(variable.file, variable.value.at, variable.path, message, hint))
  }
  const value: Look['value'] = (...names) => {
    for (const name of names) {
      const variable = variables.get(name)
      if (variable === undefined) continue
      const plain = plainValue(variable, scope, isSecretName(name))
      if ('cannot' in plain) {
        complain(name, plain.cannot, plain.hint)
        return undefined
      }
      if (plain.secret) secrets.add(name)
      if (plain.value === null) continue
      const wrong = whatIsWrong(name, plain.value)
      if (wrong === null) return plain.value
      refuse(name, wrong.message, wrong.hint)
      return undefined
    }
    return undefined
  }
  return {
    value,
    refuse,
    isSecret: (name) => secrets.has(name),
    text: (...names) => {
      const found = value(...names)
      // Checked before: a variable that we read as text is written as text or a number.
      return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined
    },
  }
}

function magicOf({ name, inventory }: Looked): { readonly [name: string]: Json } {
  const isAddress = /^[\d.]+$|:/.test(name)
  return {
    inventory_hostname: name,
    inventory_hostname_short: isAddress ? name : (name.split('.')[0] ?? ''),
    inventory_file: inventory,
    inventory_dir: resolve(inventory, '..'),
  }
}
