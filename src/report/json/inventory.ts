import type { Complaint } from '../../input/complaint.ts'
import type { Group, Inventory, Value } from '../../inventory/inventory.ts'
import type { Host } from '../../model/host.ts'
import type { Json } from '../../model/json.ts'

const VERSION = 1

type Chosen = { readonly inventory: Inventory; readonly chosen: ReadonlySet<string> }

/**
 * What was read and understood: `sources`, `files`, `hosts` (each with its `groups`, `transport`, `address`, null where the way to it
 * cannot be worked out), `groups`, `setAside` with the complaints, `wrong` ways, what is not followed (`notes`), and what programs `said`.
 */
export function inventoryJson(
  { inventory, chosen }: Chosen,
  { ways, wrong, notes }: { ways: readonly Host[]; wrong: readonly Complaint[]; notes: readonly object[] },
): object {
  const reached = new Map(ways.map((way) => [way.name, way]))
  const { sources, files, hosts, groups, setAside } = inventory
  return {
    version: VERSION,
    sources,
    files,
    hosts: hosts
      .filter(({ name }) => chosen.has(name))
      .map(({ name, groups: above }) => ({
        host: name,
        groups: above,
        transport: reached.get(name)?.transport ?? null,
        address: reached.get(name)?.address ?? null,
      })),
    groups: groups.map(({ name, hosts: held, children }) => ({ name, hosts: held.filter(isIn(chosen)), children })),
    setAside: setAside
      .filter(({ name }) => chosen.has(name))
      .map(({ name, groups: above, complaints }) => ({ host: name, groups: above, complaints })),
    wrong,
    notes,
    said: inventory.notes,
  }
}

/** In the form of `ansible-inventory --list`, which Ansible and others read as an inventory; secrets are `(hidden)`. */
export function listJson({ inventory, chosen }: Chosen, isWhole: boolean): object {
  // Built from pairs: a host may be called __proto__.
  const list = inventory.groups.flatMap((group): readonly (readonly [string, object])[] => {
    const [children, hosts] = [childrenOf(group, inventory, isWhole ? null : chosen), ownOf(group, chosen)]
    if (children.length + hosts.length === 0) return []
    return [[group.name, { ...(children.length === 0 ? {} : { children }), ...(hosts.length === 0 ? {} : { hosts }) }]]
  })
  const hostvars = [...chosen].flatMap((name): readonly (readonly [string, object])[] => {
    const values = Object.fromEntries([...(inventory.values.get(name) ?? [])].map(([key, { value }]) => [key, value]))
    return Object.keys(values).length > 0 ? [[name, sorted(values)]] : []
  })
  const meta: readonly [string, object] = ['_meta', { hostvars: sorted(Object.fromEntries(hostvars)) }]
  return Object.fromEntries([meta, ...Object.entries(sorted(Object.fromEntries(list)))])
}

type GraphNode = { readonly name: string; readonly children: readonly GraphNode[]; readonly hosts: readonly string[] }

/** Groups in groups: `name`, `children` of the same form, `hosts` of the group's own. */
export function graphJson({ inventory, chosen }: Chosen, isWhole: boolean): object {
  const byName = new Map(inventory.groups.map((group) => [group.name, group]))
  const nodeOf = (group: Group): GraphNode => ({
    name: group.name,
    children: childrenOf(group, inventory, isWhole ? null : chosen)
      .flatMap((name) => byName.get(name) ?? [])
      .map(nodeOf),
    hosts: ownOf(group, chosen),
  })
  const all = byName.get('all')
  return { version: VERSION, graph: all === undefined ? null : nodeOf(all) }
}

/** One host: how it is reached (`way`, null where that cannot be worked out), and every value with its place (`at`). */
export function inventoryHostJson(shown: {
  readonly name: string
  readonly groups: readonly string[]
  readonly way: Host | null
  readonly complaints: readonly Complaint[]
  readonly notes: readonly string[]
  readonly values: ReadonlyMap<string, Value>
  readonly passwords: readonly string[]
}): object {
  const { name, groups, way, complaints, notes, values, passwords } = shown
  const { vars: _, ...reached } = way ?? { vars: null }
  return {
    version: VERSION,
    host: name,
    groups,
    way: way === null ? null : reached,
    complaints,
    notes,
    passwords,
    values: Object.fromEntries<Value>(values),
  }
}

function ownOf(group: Group, chosen: ReadonlySet<string>): readonly string[] {
  return group.name === 'all' ? [] : group.own.filter(isIn(chosen))
}

/** With a limit those that hold somebody who is meant. */
function childrenOf(group: Group, { groups }: Inventory, chosen: ReadonlySet<string> | null): readonly string[] {
  if (chosen === null) return group.children
  const held = new Set(groups.filter(({ hosts }) => hosts.some(isIn(chosen))).map(({ name }) => name))
  return group.children.filter((name) => held.has(name))
}

function isIn(chosen: ReadonlySet<string>): (name: string) => boolean {
  return (name) => chosen.has(name)
}

function sorted<T extends Json | object>(map: { readonly [key: string]: T }): { readonly [key: string]: T } {
  return Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
