import { jsonOf } from '../input/yaml-tree.ts'
import { addChild, groupsBelow, type Variable, type Written, type WrittenGroup, type WrittenHost } from './written.ts'

/** What the files beside one source say, weakest first. */
export type Beside = {
  readonly groups: ReadonlyMap<string, readonly VariableFile[]>
  readonly hosts: ReadonlyMap<string, readonly VariableFile[]>
}
export type VariableFile =
  | { readonly file: string; readonly vars: ReadonlyMap<string, Variable> }
  | { readonly file: string; readonly sealed: string }

/** Everything that is said of one host, and which files keep shut what they say of it. */
export type Merged = {
  /** Weakest first; `all` is not among them. */
  readonly groups: readonly string[]
  readonly variables: ReadonlyMap<string, Variable>
  readonly sealed: readonly { readonly file: string; readonly sealed: string }[]
}

/**
 * Who wins, as Ansible has it: `all` in the inventories, groups there, `group_vars/all`, group_vars of groups, the host in the
 * inventories, host_vars. Among groups the deeper wins, then `ansible_group_priority`, then the later name.
 */
export function mergerOf(written: Written, beside: readonly Beside[]): (host: WrittenHost) => Merged {
  const ranked = rankGroups(written.groups)
  const known = new Map<string, { groups: readonly string[]; vars: Map<string, Variable>; sealed: Merged['sealed'] }>()

  const ofGroups = (host: WrittenHost) => {
    const direct = [...host.groups].toSorted().join('\n')
    const found = known.get(direct)
    if (found !== undefined) return found
    const above = groupsAbove(host.groups, written.groups)
    const groups = ranked.filter(({ name }) => above.has(name) && name !== 'all').map(({ name }) => name)
    const vars = new Map<string, Variable>()
    for (const name of ['all', ...groups]) {
      for (const [key, variable] of written.groups.get(name)?.vars ?? []) if (key !== PRIORITY) vars.set(key, variable)
    }
    // File by file within a source, as Ansible does: a weak group of a later source wins over a strong one of an earlier.
    const files = [['all'], groups].flatMap((names) =>
      beside.flatMap(({ groups: of }) => names.flatMap((name) => of.get(name) ?? [])),
    )
    const sealed = fill(vars, files)
    const made = { groups, vars, sealed }
    known.set(direct, made)
    return made
  }

  return (host) => {
    const { groups, vars, sealed } = ofGroups(host)
    const variables = new Map(vars)
    for (const [name, variable] of host.vars) variables.set(name, variable)
    const own = fill(
      variables,
      beside.flatMap(({ hosts }) => hosts.get(host.name) ?? []),
    )
    return { groups, variables, sealed: [...sealed, ...own] }
  }
}

/** Groups that stand in no other are in `all`, and hosts in no group of their own in `ungrouped`. */
export function reconcile(written: Written): void {
  for (const { name, parents } of written.groups.values())
    if (name !== 'all' && parents.size === 0) addChild(written, 'all', name)
  const ungrouped = written.groups.get('ungrouped')
  for (const host of written.hosts.values()) {
    const above = groupsAbove(host.groups, written.groups)
    const inOne = [...above].some((name) => name !== 'all' && name !== 'ungrouped')
    if (inOne) {
      ungrouped?.hosts.delete(host.name)
      host.groups.delete('ungrouped')
    } else {
      ungrouped?.hosts.add(host.name)
      host.groups.add('ungrouped')
    }
  }
}

/** The hosts of a group and of all groups in it, in Ansible's order: its own first. */
export function hostsOf(name: string, groups: ReadonlyMap<string, WrittenGroup>): readonly string[] {
  return [...new Set([name, ...groupsBelow(groups, name)].flatMap((each) => [...(groups.get(each)?.hosts ?? [])]))]
}

const PRIORITY = 'ansible_group_priority'

function fill(vars: Map<string, Variable>, files: readonly VariableFile[]): Merged['sealed'] {
  const sealed: { file: string; sealed: string }[] = []
  for (const each of files) {
    if ('sealed' in each) sealed.push(each)
    else for (const [name, variable] of each.vars) vars.set(name, variable)
  }
  return sealed
}

/** Weakest first: by depth, which is the longest way up to `all`, then ansible_group_priority, then name. */
export function rankGroups(groups: ReadonlyMap<string, WrittenGroup>): readonly WrittenGroup[] {
  const depths = new Map<string, number>([['all', 0]])
  const depthOf = (name: string): number => {
    const known = depths.get(name)
    if (known !== undefined) return known
    const depth = 1 + Math.max(0, ...[...(groups.get(name)?.parents ?? [])].map(depthOf))
    depths.set(name, depth)
    return depth
  }
  const priority = ({ vars }: WrittenGroup) => {
    const set = vars.get(PRIORITY)
    return set === undefined ? 1 : Number(jsonOf(set.value))
  }
  return [...groups.values()].toSorted(
    (a, b) =>
      depthOf(a.name) - depthOf(b.name) ||
      priority(a) - priority(b) ||
      (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  )
}

function groupsAbove(direct: Iterable<string>, groups: ReadonlyMap<string, WrittenGroup>): ReadonlySet<string> {
  const above = new Set(['all'])
  const open = [...direct]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (above.has(name)) continue
    above.add(name)
    open.push(...(groups.get(name)?.parents ?? []))
  }
  return above
}
