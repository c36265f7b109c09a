import { jsonOf, type YamlNode } from '../input/yaml-tree.ts'
import type { Json } from '../model/json.ts'
import { isTemplate } from './templates.ts'
import { isRead, isSecretName } from './variables.ts'
import { placeText, type Variable } from './written.ts'

/** A value as it may be shown, and where it stands: `group_vars/web.yml:3:7`. */
export type Value = { readonly value: Json; readonly at: string; readonly hidden?: true }

/** In place of what is named like a secret, or came out of a vault, or is in one that is shut. */
export const HIDDEN = '(hidden)'

/** All that is said of a host or a group, for people: without secrets, and with templates as they are written. */
export function shownValues(variables: ReadonlyMap<string, Variable>): ReadonlyMap<string, Value> {
  return new Map(
    [...variables].map(([name, { value, file, secret }]) => {
      const at = placeText(file, value.at)
      const hidden = secret === true || isSecretName(name) || isVaultNode(value)
      return [name, hidden ? { value: HIDDEN, at, hidden } : { value: shown(value), at }]
    }),
  )
}

/**
 * The variables that ctfleet does not read, for playbooks of the user's own. Templates and vaults are left out, since
 * their value is not known here; so is what is named like a secret: plans and reports are passed around.
 */
export function otherVariables(variables: ReadonlyMap<string, Variable>): { readonly [name: string]: Json } {
  return Object.fromEntries(
    [...variables]
      .filter(([name, { secret }]) => !isRead(name) && !isSecretName(name) && secret !== true)
      .map(([name, { value }]) => [name, openly(value)] as const)
      .filter((entry): entry is readonly [string, Json] => entry[1] !== undefined),
  )
}

function openly(node: YamlNode): Json | undefined {
  if (node.tag !== null && node.tag !== '!unsafe') return undefined
  switch (node.type) {
    case 'scalar':
      return node.tag === null && isUnknownText(node.value) ? undefined : node.value
    case 'list':
      return node.items.map(openly).filter((item) => item !== undefined)
    case 'map':
      return Object.fromEntries(
        node.entries
          .filter(({ key }) => !isSecretName(key))
          .map(({ key, value }) => [key, openly(value)] as const)
          .filter((entry): entry is readonly [string, Json] => entry[1] !== undefined),
      )
  }
}

function isUnknownText(value: string | number | boolean | null): boolean {
  return typeof value === 'string' && (isTemplate(value) || value.startsWith('$ANSIBLE_VAULT'))
}

function shown(node: YamlNode): Json {
  if (isVaultNode(node)) return HIDDEN
  switch (node.type) {
    case 'scalar':
      return jsonOf(node)
    case 'list':
      return node.items.map(shown)
    case 'map':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, isSecretName(key) ? HIDDEN : shown(value)]))
  }
}

function isVaultNode(node: YamlNode): boolean {
  if (node.tag === '!vault' || node.tag === '!vault-encrypted') return true
  return node.type === 'scalar' && typeof node.value === 'string' && node.value.startsWith('$ANSIBLE_VAULT')
}
