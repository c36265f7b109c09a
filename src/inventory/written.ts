import { type Complaint, InputError, type Position } from '../input/complaint.ts'
import { pathText, type YamlNode } from '../input/yaml-tree.ts'
import type { Json } from '../model/json.ts'

/** All inventories together as they are written: who is in which group, and which variables stand where. Filled source by source. */
export type Written = {
  readonly groups: Map<string, WrittenGroup>
  readonly hosts: Map<string, WrittenHost>
}

export type WrittenGroup = {
  readonly name: string
  readonly parents: Set<string>
  readonly children: Set<string>
  readonly hosts: Set<string>
  readonly vars: Map<string, Variable>
}

export type WrittenHost = {
  readonly name: string
  readonly file: string
  readonly at: Position
  /** The groups that name it. */
  readonly groups: Set<string>
  readonly vars: Map<string, Variable>
  /** Named outside of any file, as `localhost`: where ctfleet runs. */
  readonly isHere?: true
}

export type Variable = {
  readonly value: YamlNode
  readonly path: readonly string[]
  readonly file: string
  /** It came out of a vault. */
  readonly secret?: true
}

export type Complain = (at: Position, path: readonly string[], message: string, hint?: string | null) => void

/** Each takes some kilobytes here; a range that was mistyped is to fill no memory. */
const MOST_HOSTS = 200_000

/** The place of what a program said: it has no lines that a person could look at. */
export const NOWHERE: Position = { line: 0, column: 0 }

export function newWritten(): Written {
  const written: Written = { groups: new Map(), hosts: new Map() }
  addGroup(written, 'all')
  addGroup(written, 'ungrouped')
  addChild(written, 'all', 'ungrouped')
  return written
}

export function addGroup({ groups }: Written, name: string): WrittenGroup {
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

/** @throws InputError where there would be more than anybody has */
export function addHost(
  { groups, hosts }: Written,
  { name, port = null, group, isHere }: { name: string; port?: number | null; group?: string; isHere?: boolean },
  { file, at, path }: { file: string; at: Position; path: readonly string[] },
): WrittenHost {
  const known = hosts.get(name)
  const here = isHere === true ? ({ isHere } as const) : {}
  const host = known ?? { name, file, at, groups: new Set(), vars: new Map<string, Variable>(), ...here }
  if (known === undefined) {
    if (hosts.size >= MOST_HOSTS)
      throw new InputError([complaintAt(file, at, path, `is one of more than ${MOST_HOSTS} hosts`, 'see its ranges')])
    hosts.set(name, host)
    // As in Ansible, a port behind a name counts where the host is named first.
    if (port !== null) host.vars.set('ansible_port', { value: nodeOf(port, at), path, file })
  }
  if (group !== undefined) {
    host.groups.add(group)
    groups.get(group)?.hosts.add(name)
  }
  return host
}

/** False where the child would be inside itself. */
export function addChild({ groups }: Written, parent: string, child: string): boolean {
  const [above, below] = [groups.get(parent), groups.get(child)]
  if (above === undefined || below === undefined) return false
  if (parent === child || groupsBelow(groups, child).includes(parent)) return false
  above.children.add(child)
  below.parents.add(parent)
  return true
}

/** As Ansible has it: where a group and a host share a name, the group gets the variable. */
export function setVariable({ groups, hosts }: Written, entity: string, name: string, variable: Variable): void {
  const owner = groups.get(entity) ?? hosts.get(entity)
  owner?.vars.set(name, variable)
}

/** All groups inside of one, level by level, each once. */
export function groupsBelow(groups: ReadonlyMap<string, WrittenGroup>, name: string): readonly string[] {
  const found = new Set<string>()
  for (let level = [name]; level.length > 0; ) {
    level = level.flatMap((each) => [...(groups.get(each)?.children ?? [])]).filter((each) => !found.has(each))
    for (const each of level) found.add(each)
  }
  return [...found]
}

/** Complaints about one file. */
export function complainIn(file: string, complaints: Complaint[]): Complain {
  return (at, path, message, hint = null) => {
    if (complaints.length > MOST_COMPLAINTS) return
    const isLast = complaints.length === MOST_COMPLAINTS
    complaints.push(
      isLast
        ? complaintAt(file, at, [], 'mistakes from here on are not listed any more')
        : complaintAt(file, at, path, message, hint),
    )
  }
}

/** Of a file that is no inventory every line may be one, and there may be millions of them. */
export const MOST_COMPLAINTS = 10_000

export function complaintAt(
  file: string,
  at: Position,
  path: readonly string[],
  message: string,
  hint: string | null = null,
): Complaint {
  const place = at.line === 0 ? { line: null, column: null } : { line: at.line, column: at.column }
  return { file, ...place, path: pathText(path), message, hint }
}

/** Where something stands, for people: `group_vars/web.yml:3:7`. */
export function placeText(file: string, { line, column }: Position): string {
  return line === 0 ? file : `${file}:${line}:${column}`
}

/** A value that was read in another way, as a node that stands at one place. What Ansible writes for vaults in JSON is one. */
export function nodeOf(value: Json, at: Position): YamlNode {
  if (Array.isArray(value)) return { type: 'list', items: value.map((item) => nodeOf(item, at)), tag: null, at }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    const [[key, inner] = ['', null]] = entries
    if (entries.length === 1 && key === '__ansible_vault' && typeof inner === 'string')
      return { ...scalar(inner, at), tag: '!vault' }
    if (entries.length === 1 && key === '__ansible_unsafe') return { ...nodeOf(inner, at), tag: '!unsafe' }
    return {
      type: 'map',
      entries: entries.map(([name, each]) => ({ key: name, keyAt: at, value: nodeOf(each, at) })),
      tag: null,
      at,
    }
  }
  return scalar(value, at)
}

function scalar(value: string | number | boolean | null, at: Position): YamlNode & { readonly type: 'scalar' } {
  const style = typeof value === 'string' ? 'quoted' : 'plain'
  return { type: 'scalar', value, text: String(value ?? ''), style, tag: null, at }
}
