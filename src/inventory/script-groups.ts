import { quoted } from '../input/complaint.ts'
import { isJsonMap, type Json } from '../model/json.ts'
import { isHostName } from './host-names.ts'
import { addChild, addGroup, addHost, NOWHERE, nodeOf, setVariable, type Written } from './written.ts'

type OfScript = {
  readonly hosts: readonly { readonly name: string; set(vars: { readonly [name: string]: Json }): void }[]
  /** Variables of hosts came along, under `_meta.hostvars`. */
  readonly told: boolean
}

/**
 * Reads what an inventory program answers to `--list`, which `ansible-inventory --list` prints too: groups with `hosts` as a list,
 * `vars` and `children`; a list alone is its hosts, and a map without any of the three is one host with its variables.
 */
export function readGroupsOfScript(
  answer: Json,
  file: string,
  written: Written,
  complain: (message: string) => void,
): OfScript {
  const names = new Set<string>()
  const set = (entity: string, vars: { readonly [name: string]: Json }) => {
    for (const [name, value] of Object.entries(vars))
      setVariable(written, entity, name, { value: nodeOf(value, NOWHERE), path: [entity, name], file })
  }
  const readGroup = (group: string, said: Json): void => {
    addGroup(written, group)
    const { hosts, vars, children } = partsOf(group, said)
    for (const name of listOf(hosts, `${group}.hosts`, complain)) {
      if (!isHostName(name)) {
        complain(`${quoted(name)} cannot be the name of a host`)
        continue
      }
      names.add(name)
      addHost(written, { name, group }, { file, at: NOWHERE, path: [group, name] })
    }
    if (isJsonMap(vars)) set(group, vars)
    else complain(`${group}.vars is not a map`)
    for (const child of listOf(children, `${group}.children`, complain)) {
      addGroup(written, child)
      if (child === 'all' || !addChild(written, group, child)) complain(`group ${quoted(child)} would be inside itself`)
    }
  }

  if (!isJsonMap(answer)) {
    complain('did not say a map of groups')
    return { hosts: [], told: true }
  }
  const meta = answer._meta
  for (const [group, said] of Object.entries(answer)) if (group !== '_meta') readGroup(group, said)
  const hostvars = meta !== undefined && isJsonMap(meta) ? meta.hostvars : undefined
  if (hostvars !== undefined && !isJsonMap(hostvars)) complain('_meta.hostvars is not a map')
  const known = hostvars !== undefined && isJsonMap(hostvars) ? hostvars : {}
  for (const name of names) {
    const vars = (Object.hasOwn(known, name) ? known[name] : undefined) ?? {}
    if (isJsonMap(vars)) set(name, vars)
    else complain(`_meta.hostvars.${name} is not a map`)
  }
  return { hosts: [...names].map((name) => ({ name, set: (vars) => set(name, vars) })), told: hostvars !== undefined }
}

function partsOf(group: string, said: Json): { readonly hosts: Json; readonly vars: Json; readonly children: Json } {
  if (!isJsonMap(said)) return { hosts: said, vars: {}, children: [] }
  const { hosts, vars, children } = said
  if (hosts === undefined && vars === undefined && children === undefined)
    return { hosts: [group], vars: said, children: [] }
  return { hosts: hosts ?? [], vars: vars ?? {}, children: children ?? [] }
}

function listOf(value: Json, what: string, complain: (message: string) => void): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  complain(`${what} is not a list of names`)
  return []
}
