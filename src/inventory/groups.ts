import { quoted } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import type { YamlMap, YamlNode } from '../input/yaml-tree.ts'
import { expandHostNames } from './host-names.ts'
import {
  addChild,
  addGroup,
  addHost,
  type Complain,
  groupsBelow,
  nodeOf,
  setVariable,
  type Written,
} from './written.ts'

const GROUP_KEYS = ['hosts', 'vars', 'children']

/** Reads Ansible's YAML inventory: groups at the top, each with `hosts`, `vars` and `children`. Never throws. */
export function readGroups(root: YamlMap, file: string, written: Written, complain: Complain): void {
  const readGroup = (name: string, node: YamlNode, path: readonly string[]): void => {
    addGroup(written, name)
    const body = mapOrNothing(node, path, 'a group is a map with hosts, vars or children', complain)
    for (const { key, keyAt, value } of body?.entries ?? []) {
      const here = [...path, key]
      if (key === 'vars') readVars(name, value, here)
      else if (key === 'hosts') readHosts(name, value, here)
      else if (key === 'children') readChildren(name, value, here)
      else
        complain(keyAt, here, `unknown key ${quoted(key)} in a group`, didYouMean(key, GROUP_KEYS) ?? lostKeyHint(key))
    }
  }

  const readVars = (group: string, node: YamlNode, path: readonly string[]): void => {
    const body = mapOrNothing(node, path, 'variables are written as a map: `ansible_user: ops`', complain)
    for (const { key, value } of body?.entries ?? [])
      setVariable(written, group, key, { value, path: [...path, key], file })
  }

  const readHosts = (group: string, node: YamlNode, path: readonly string[]): void => {
    for (const { key, keyAt, value } of named(node, path, complain)) {
      const here = [...path, key]
      const expanded = expandHostNames(key)
      if ('wrong' in expanded) {
        complain(keyAt, here, expanded.wrong, expanded.hint)
        continue
      }
      const body = mapOrNothing(value, here, 'a host is a map of variables, or nothing', complain)
      for (const { name, port } of expanded.hosts) {
        addHost(written, { name, port, group }, { file, at: keyAt, path: here })
        for (const entry of body?.entries ?? [])
          setVariable(written, name, entry.key, { value: entry.value, path: [...here, entry.key], file })
      }
    }
  }

  const readChildren = (group: string, node: YamlNode, path: readonly string[]): void => {
    for (const { key, keyAt, value } of named(node, path, complain)) {
      const circle = key === group || groupsBelow(written.groups, key).includes(group)
      if (key === 'all' || circle) {
        const message = key === 'all' ? '`all` is above every group' : `${quoted(key)} would be inside itself`
        complain(keyAt, [...path, key], message, `groups form no circle: take ${quoted(key)} out of here`)
        continue
      }
      addGroup(written, key)
      // Joined first, so that a circle further down is seen there.
      addChild(written, group, key)
      readGroup(key, value, [...path, key])
    }
  }

  for (const { key, keyAt, value } of root.entries) {
    // Ansible would take `hosts:` at the top for a group of that name, and the hosts in it for unknown keys.
    if (GROUP_KEYS.includes(key))
      complain(keyAt, [key], `${quoted(key)} stands at the top, outside of any group`, 'put it under `all:`')
    else readGroup(key, value, [key])
  }
}

/** The entries of `hosts` or `children`; Ansible also takes one bare name. */
function named(node: YamlNode, path: readonly string[], complain: Complain): YamlMap['entries'] {
  if (node.type === 'map') return node.entries
  if (node.type === 'scalar' && node.value === null && node.tag === null) return []
  if (node.type === 'scalar' && typeof node.value === 'string')
    return [{ key: node.value, keyAt: node.at, value: nodeOf(null, node.at) }]
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
    node.type === 'scalar' && node.tag === '!vault' ? 'a vault stands in for one value, not for a map' : hint,
  )
  return undefined
}

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
