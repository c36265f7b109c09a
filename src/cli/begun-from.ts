import type { Group, Inventory } from '../inventory/inventory.ts'
import type { Value } from '../inventory/shown.ts'
import { isTemplate } from '../inventory/templates.ts'
import { isRead } from '../inventory/variables.ts'
import type { Json } from '../model/json.ts'
import { HEAD } from './begun-inventory.ts'

/** Nothing follows from these for ctfleet, or nothing that one file needs. */
const NOT_TAKEN = new Set(['ansible_group_priority', 'ansible_host_key_checking', 'ansible_ssh_host_key_checking'])

type Begun = {
  readonly text: string
  /** Passwords, and what was sealed or named like a secret: they stay where they are. */
  readonly secrets: number
}

/**
 * The text of an inventory with the hosts and groups of another one, and what that one says of the way to each; what all hosts have
 * alike stands once, at the top. Passwords and variables that ctfleet does not read stay where they are, and so do hosts that are set
 * aside, since what is sealed in them would be missing here.
 */
export function inventoryFrom({ file, hosts, groups, values }: Inventory): Begun {
  const secret = new Set<string>()
  const said = new Map(
    hosts.map(({ name }) => {
      const all = values.get(name) ?? new Map<string, Value>()
      for (const [key, { hidden }] of all) if (hidden === true && key.startsWith('ansible_')) secret.add(key)
      return [name, taken(all)]
    }),
  )
  const alike = sharedBy([...said.values()])
  const lines = [
    ...HEAD,
    `# Begun from ${JSON.stringify(file)}, which stays as it is.`,
    ...(secret.size === 0 ? [] : ['# Its passwords were not taken over: ctfleet plan -k -K asks for them.']),
    '',
    'all:',
    ...(alike.size === 0
      ? []
      : ['  # Of all hosts; a group may have vars of its own, which go before these.', '  vars:']),
    ...written(alike, 4),
    '  hosts:',
    ...[...said].flatMap(([name, own]) => [
      `    ${key(name)}:`,
      ...written(new Map([...own].filter(([variable]) => !alike.has(variable))), 6),
    ]),
    ...groupLines(groups, said),
  ]
  return { text: `${lines.join('\n')}\n`, secrets: secret.size }
}

/** What ctfleet reads, and what templates in it name. */
function taken(all: ReadonlyMap<string, Value>): ReadonlyMap<string, Json> {
  const found = new Map<string, Json>()
  const take = (name: string) => {
    const value = all.get(name)
    if (value === undefined || value.hidden === true || found.has(name)) return
    found.set(name, value.value)
    if (typeof value.value !== 'string' || !isTemplate(value.value)) return
    for (const [word] of value.value.matchAll(/[A-Za-z_]\w*/g)) take(word)
  }
  for (const name of all.keys()) if (isRead(name) && !NOT_TAKEN.has(name)) take(name)
  return found
}

function sharedBy(all: readonly ReadonlyMap<string, Json>[]): ReadonlyMap<string, Json> {
  const [first, ...others] = all
  if (first === undefined || others.length === 0) return new Map()
  return new Map(
    [...first].filter(([name, value]) =>
      others.every((other) => other.has(name) && JSON.stringify(other.get(name)) === JSON.stringify(value)),
    ),
  )
}

function groupLines(groups: readonly Group[], chosen: ReadonlyMap<string, unknown>): readonly string[] {
  const byName = new Map(groups.map((group) => [group.name, group]))
  const seen = new Set<string>()
  const linesOf = (name: string, deep: number): readonly string[] => {
    const group = byName.get(name)
    if (group === undefined) return []
    const indent = ' '.repeat(deep)
    // A group below two others is written out in the first.
    if (seen.has(name)) return [`${indent}${key(name)}:`]
    seen.add(name)
    const own = group.own.filter((host) => chosen.has(host))
    const below = group.children.flatMap((child) => linesOf(child, deep + 4))
    return [
      `${indent}${key(name)}:`,
      ...(own.length === 0 ? [] : [`${indent}  hosts:`, ...own.map((host) => `${indent}    ${key(host)}:`)]),
      ...(below.length === 0 ? [] : [`${indent}  children:`, ...below]),
    ]
  }
  const top = (byName.get('all')?.children ?? []).filter((name) => name !== 'ungrouped')
  const lines = top.flatMap((name) => linesOf(name, 4))
  return lines.length === 0 ? [] : ['', '  children:', ...lines]
}

/** JSON is YAML, but for what YAML calls unprintable. */
function written(variables: ReadonlyMap<string, Json>, deep: number): readonly string[] {
  return [...variables].map(([name, value]) => `${' '.repeat(deep)}${key(name)}: ${scalar(value)}`)
}

function key(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(name)
    ? name
    : scalar(name)
}

function scalar(value: Json): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
