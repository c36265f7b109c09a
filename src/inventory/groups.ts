import { type Position, quoted } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import type { YamlMap, YamlNode } from '../input/yaml-tree.ts'
import { expandHostNames } from './host-names.ts'

/** An inventory as it is written: who is in which group, and which variables stand where. */
export type Written = {
  readonly groups: ReadonlyMap<string, WrittenGroup>
  readonly hosts: ReadonlyMap<string, WrittenHost>
}

export type WrittenGroup = {
  readonly name: string
  readonly parents: Set<string>
  readonly children: Set<string>
  readonly hosts: Set<string>
  readonly vars: Map<string, Variable>
}
export type WrittenHost = { readonly name: string; readonly at: Position; readonly vars: Map<string, Variable> }
export type Variable = { readonly value: YamlNode; readonly path: readonly string[] }

export type Complain = (at: Position, path: readonly string[], message: string, hint?: string | null) => void

const GROUP_KEYS = ['hosts', 'vars', 'children']

/** Reads Ansible's YAML inventory: groups at the top, each with `hosts`, `vars` and `children`. Never throws. */
export function readGroups(root: YamlMap, complain: Complain): Written {
  const groups = new Map<string, WrittenGroup>()
  const hosts = new Map<string, WrittenHost>()

  const groupNamed = (name: string): WrittenGroup => {
    const group = groups.get(name) ?? {
      name,
      parents: new Set(),
      children: new Set(),
      hosts: new Set(),
      vars: new Map(),
    }
    groups.set(name, group)
    return group
  }

  const readGroup = (name: string, node: YamlNode, path: readonly string[]): void => {
    const group = groupNamed(name)
    const body = mapOrNothing(node, path, 'a group is a map with hosts, vars or children', complain)
    for (const { key, keyAt, value } of body?.entries ?? []) {
      const here = [...path, key]
      if (key === 'vars') readVars(group.vars, value, here)
      else if (key === 'hosts') readHosts(group, value, here)
      else if (key === 'children') readChildren(group, value, here)
      else
        complain(keyAt, here, `unknown key ${quoted(key)} in a group`, didYouMean(key, GROUP_KEYS) ?? lostKeyHint(key))
    }
  }

  const readVars = (vars: Map<string, Variable>, node: YamlNode, path: readonly string[]): void => {
    const body = mapOrNothing(node, path, 'variables are written as a map: `ansible_user: ops`', complain)
    for (const { key, value } of body?.entries ?? []) vars.set(key, { value, path: [...path, key] })
  }

  const readHosts = (group: WrittenGroup, node: YamlNode, path: readonly string[]): void => {
    for (const { key, keyAt, value } of named(node, path, complain)) {
      const here = [...path, key]
      const expanded = expandHostNames(key)
      if ('wrong' in expanded) {
        complain(keyAt, here, expanded.wrong, expanded.hint)
        continue
      }
      for (const { name, port } of expanded.hosts) {
        const host = hosts.get(name) ?? { name, at: keyAt, vars: new Map<string, Variable>() }
        hosts.set(name, host)
        group.hosts.add(name)
        if (port !== null) host.vars.set('ansible_port', { value: scalarAt(port, keyAt), path: here })
        const body = mapOrNothing(value, here, 'a host is a map of variables, or nothing', complain)
        for (const entry of body?.entries ?? [])
          host.vars.set(entry.key, { value: entry.value, path: [...here, entry.key] })
      }
    }
  }

  const readChildren = (group: WrittenGroup, node: YamlNode, path: readonly string[]): void => {
    for (const { key, keyAt, value } of named(node, path, complain)) {
      const child = groupNamed(key)
      if (key === 'all' || key === group.name || descends(group.name, child, groups)) {
        const message = key === 'all' ? '`all` is above every group' : `${quoted(key)} would be inside itself`
        complain(keyAt, [...path, key], message, `groups form no circle: take ${quoted(key)} out of here`)
        continue
      }
      group.children.add(key)
      child.parents.add(group.name)
      readGroup(key, value, [...path, key])
    }
  }

  groupNamed('all')
  for (const { key, keyAt, value } of root.entries) {
    // Ansible would take `hosts:` at the top for a group of that name, and the hosts in it for unknown keys.
    if (GROUP_KEYS.includes(key))
      complain(keyAt, [key], `${quoted(key)} stands at the top, outside of any group`, 'put it under `all:`')
    else readGroup(key, value, [key])
  }
  return { groups, hosts }
}

/** Whether the group called `name` is somewhere below this one. */
function descends(name: string, group: WrittenGroup, groups: ReadonlyMap<string, WrittenGroup>): boolean {
  const open = [...group.children]
  const seen = new Set<string>()
  for (let child = open.pop(); child !== undefined; child = open.pop()) {
    if (child === name) return true
    if (seen.has(child)) continue
    seen.add(child)
    open.push(...(groups.get(child)?.children ?? []))
  }
  return false
}

/** The entries of `hosts` or `children`; Ansible also takes one bare name. */
function named(node: YamlNode, path: readonly string[], complain: Complain): YamlMap['entries'] {
  if (node.type === 'map') return node.entries
  if (node.type === 'scalar' && node.value === null && node.tag === null) return []
  if (node.type === 'scalar' && typeof node.value === 'string') {
    return [{ key: node.value, keyAt: node.at, value: { ...scalarAt(null, node.at) } }]
  }
  const first = node.type === 'list' ? node.items.find((item) => item.type === 'scalar') : undefined
  const example = first?.type === 'scalar' && first.text !== '' ? first.text : 'web-1'
  complain(
    node.at,
    path,
    `expected a map of names, found ${kindOf(node)}`,
    `write \`${example}:\` without a dash, each in its line`,
  )
  return []
}

function mapOrNothing(node: YamlNode, path: readonly string[], hint: string, complain: Complain): YamlMap | undefined {
  if (node.type === 'map') return node
  if (node.type === 'scalar' && node.value === null && node.tag === null) return undefined
  complain(
    node.at,
    path,
    `expected a map, found ${kindOf(node)}`,
    node.type === 'scalar' && node.tag === '!vault' ? VAULT_HINT : hint,
  )
  return undefined
}

export const VAULT_HINT = 'ctfleet opens no vaults: write the value here if it is no secret, or leave it out'

function kindOf(node: YamlNode): string {
  if (node.type === 'list') return 'a list'
  if (node.type === 'map') return 'a map'
  return node.tag === '!vault' ? 'a vault' : quoted(node.value)
}

function lostKeyHint(key: string): string {
  return /^(?:ansible|ctfleet)_/.test(key)
    ? 'a variable of the whole group belongs under `vars:`'
    : `a group knows ${GROUP_KEYS.join(', ')}; a host belongs under \`hosts:\`, a group under \`children:\``
}

function scalarAt(value: string | number | null, at: Position): YamlNode {
  return { type: 'scalar', value, text: String(value ?? ''), style: 'plain', tag: null, at }
}
