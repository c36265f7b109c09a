import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { cwd } from 'node:process'
import { type Complaint, InputError, inReadingOrder } from '../input/complaint.ts'
import { readTextFile } from '../input/text-file.ts'
import { jsonOf, pathText, readYamlTree } from '../input/yaml-tree.ts'
import type { InventoryHost, SshOption } from '../model/host.ts'
import type { Json } from '../model/json.ts'
import { quote } from '../shell/script.ts'
import {
  type Complain,
  readGroups,
  type Variable,
  type Written,
  type WrittenGroup,
  type WrittenHost,
} from './groups.ts'
import { readSshArguments } from './ssh-arguments.ts'
import { checkVariable, isTrue, otherVariables } from './variables.ts'

/** Every host that ctfleet may be asked to work on, in the order in which the file names them. */
export type Inventory = {
  readonly file: string
  readonly hosts: readonly InventoryHost[]
  readonly groups: readonly Group[]
}

/** `hosts` are all that the group holds, those of the groups below it among them. */
export type Group = { readonly name: string; readonly hosts: readonly string[] }

/** Where ctfleet runs: what `~` and relative paths mean. */
export type Here = { readonly cwd: string; readonly home: string }

/** The inventory that is meant: the one named, else CTFLEET_INVENTORY, else `./inventory.yaml`. */
export function inventoryPath(
  named: string | undefined,
  environment: { readonly [name: string]: string | undefined },
): string {
  return named ?? (environment.CTFLEET_INVENTORY || './inventory.yaml')
}

/** @throws InputError with every mistake in the file. */
export async function loadInventory(path: string, here: Here = thisMachine()): Promise<Inventory> {
  return parseInventory(readTextFile(path), path, here)
}

/**
 * Reads an inventory as Ansible's YAML plugin does: `all` above everything, variables of deeper groups before those of
 * their parents, hosts' own before all. https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html
 * @throws InputError with every mistake in the text.
 */
export function parseInventory(text: string, file: string, here: Here): Inventory {
  const tree = readYamlTree(text, file, 'ansible')
  const complaints: Complaint[] = []
  const complain: Complain = ({ line, column }, at, message, hint = null) =>
    complaints.push({ file, line, column, path: pathText(at), message, hint })

  const foreign = foreignFormat(text) ?? savedPlan(text, file) ?? recordedFacts(text, file)
  if (foreign !== undefined) throw new InputError([{ file, line: 1, column: 1, path: '', ...foreign }])
  if (tree.root === null) throw new InputError(few(tree.complaints))
  complaints.push(...tree.complaints)
  if (tree.root.type !== 'map') {
    const empty = tree.root.type === 'scalar' && tree.root.value === null
    complain(tree.root.at, [], empty ? 'names no host' : 'is not a map of groups', EXAMPLE)
    throw new InputError(complaints)
  }
  const plugin = tree.root.entries.find(({ key, value }) => key === 'plugin' && value.type === 'scalar')
  if (plugin !== undefined) {
    complain(plugin.keyAt, ['plugin'], 'configures a plugin of Ansible, and names no hosts itself', EXPORT)
    throw new InputError(complaints)
  }

  const written = readGroups(tree.root, complain)
  for (const { vars } of [...written.groups.values(), ...written.hosts.values()])
    for (const [name, variable] of vars) checkVariable(name, variable, complain)
  if (written.hosts.size === 0 && complaints.length === 0) complain(tree.root.at, [], 'names no host', EXAMPLE)
  if (complaints.length > 0) {
    const all = inReadingOrder(distinct(complaints))
    throw new InputError(written.hosts.size === 0 ? few(all) : all)
  }
  return assemble(written, file, here)
}

const EXAMPLE = 'write at least:\nall:\n  hosts:\n    web-1.example.com:'
const EXPORT = 'let Ansible write it out: ansible-inventory -i FILE --list --yaml > inventory.yaml'

/** Files that are meant as an inventory and are no YAML one: said in one sentence, where YAML's own would mislead. */
function foreignFormat(text: string): { message: string; hint: string } | undefined {
  const first = text.split('\n').find((line) => !/^\s*(?:[#;].*)?$/.test(line)) ?? ''
  if (text.startsWith('$ANSIBLE_VAULT'))
    return { message: 'is a vault as a whole', hint: 'ansible-vault decrypt makes a copy that can be read' }
  if (text.startsWith('#!')) return { message: 'is a program', hint: EXPORT }
  if (/^\[[\w.:-]+\]\s*(?:[#;].*)?$/.test(first))
    return { message: 'is an INI inventory; ctfleet reads YAML', hint: EXPORT }
  return undefined
}

/** Where a file names no host at all, it is another file that was meant, and every mistake in it would be noise. */
function few(complaints: readonly Complaint[]): readonly Complaint[] {
  const [first] = complaints
  if (first === undefined || complaints.length <= 3) return complaints
  const message = `and ${complaints.length - 3} mistakes more; is this the inventory that you meant?`
  return [...complaints.slice(0, 3), { ...first, line: 1, column: 1, path: '', message, hint: EXAMPLE }]
}

/** What `ctfleet plan -o` saves: JSON too. */
function savedPlan(text: string, file: string): { message: string; hint: string } | undefined {
  if (!/^\s*\{\s*"version":\s*\d+,\s*"id":\s*"[0-9a-f]{64}"/.test(text)) return undefined
  const name = quote(file)
  const hint = `to read it: ctfleet show ${name}\nto apply it: ctfleet apply ${name}`
  return { message: 'is a saved plan, and is no inventory', hint }
}

/** What `ctfleet facts --format json` prints: JSON, which YAML reads too, to complain of every key in it. */
function recordedFacts(text: string, file: string): { message: string; hint: string } | undefined {
  if (!text.trimStart().startsWith('{')) return undefined
  try {
    const document: { readonly [key: string]: unknown } = JSON.parse(text)
    const hosts: readonly unknown[] = Array.isArray(document.hosts) ? document.hosts : []
    const ofFacts = hosts.some((host) => typeof host === 'object' && host !== null && 'facts' in host)
    if (typeof document.version !== 'number' || !('takenAt' in document || ofFacts)) return undefined
  } catch {
    return undefined
  }
  const message = 'holds recorded facts, and is no inventory'
  return { message, hint: `plan and explain judge from them: ctfleet plan --facts ${quote(file)}` }
}

function assemble(written: Written, file: string, here: Here): Inventory {
  const ranked = rankGroups(written.groups)
  const hosts = [...written.hosts.values()].map((host) => {
    const above = groupsAbove(host.name, written.groups)
    const groups = ranked.filter(({ name }) => above.has(name))
    const variables = new Map<string, Variable>()
    for (const { vars } of [...groups, host]) for (const [name, variable] of vars) variables.set(name, variable)
    const names = groups.map(({ name }) => name).filter((name) => name !== 'all')
    return hostOf(host, names.length === 0 ? ['ungrouped'] : names, variables, { file, here })
  })
  const names = new Set(['all', 'ungrouped', ...ranked.map(({ name }) => name)])
  const groups = [...names].map((name) => ({
    name,
    hosts: hosts.filter((host) => name === 'all' || host.groups.includes(name)).map((host) => host.name),
  }))
  return { file, hosts, groups }
}

/** Weakest first, as Ansible ranks them: by depth, then ansible_group_priority, then name. */
function rankGroups(groups: ReadonlyMap<string, WrittenGroup>): readonly WrittenGroup[] {
  const depths = new Map<string, number>()
  const depthOf = (group: WrittenGroup): number => {
    if (group.name === 'all') return 0
    const known = depths.get(group.name)
    if (known !== undefined) return known
    const above = [...group.parents].map((name) => groups.get(name)).filter((parent) => parent !== undefined)
    const depth = 1 + Math.max(0, ...above.map(depthOf))
    depths.set(group.name, depth)
    return depth
  }
  const priority = ({ vars }: WrittenGroup) => {
    const set = vars.get('ansible_group_priority')
    return set === undefined ? 1 : Number(jsonOf(set.value))
  }
  return [...groups.values()].toSorted(
    (a, b) => depthOf(a) - depthOf(b) || priority(a) - priority(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  )
}

function groupsAbove(host: string, groups: ReadonlyMap<string, WrittenGroup>): ReadonlySet<string> {
  const above = new Set(['all'])
  const open = [...groups.values()].filter(({ hosts }) => hosts.has(host)).map(({ name }) => name)
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (above.has(name) && name !== 'all') continue
    above.add(name)
    open.push(...(groups.get(name)?.parents ?? []))
  }
  return above
}

function hostOf(
  host: WrittenHost,
  groups: readonly string[],
  variables: ReadonlyMap<string, Variable>,
  { file, here }: { file: string; here: Here },
): InventoryHost {
  const value = (...names: readonly string[]): Json | undefined =>
    names
      .map((name) => variables.get(name))
      .filter((variable) => variable !== undefined)
      .map((variable) => jsonOf(variable.value))
      .find((each) => each !== null)
  const text = (...names: readonly string[]): string | undefined => {
    const found = value(...names)
    // Checked before: a variable that we read as text is written as text or a number.
    return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined
  }
  const path = (name: string) => resolve(here.cwd, name.replace(/^~(?=$|\/)/, here.home))

  const args = [text('ansible_ssh_common_args'), text('ansible_ssh_extra_args')].filter((each) => each !== undefined)
  const read = readSshArguments(args.join(' '))
  const ofArguments = 'cannot' in read ? { options: [] } : read
  const said = (keyword: string, value: string | number | undefined): readonly SshOption[] =>
    value === undefined ? [] : [{ keyword, value: String(value) }]
  const port = value('ansible_ssh_port', 'ansible_port')
  const keyFile = text('ansible_ssh_private_key_file', 'ansible_private_key_file')
  const ownKnownHosts = [value('ctfleet_known_hosts_file') ?? []].flat().filter((name) => typeof name === 'string')
  const pair = text('ctfleet_pair')
  return {
    name: host.name,
    groups,
    address: (text('ansible_ssh_host', 'ansible_host') ?? host.name).replace(/^\[(.*)\]$/, '$1'),
    sshOptions: [
      ...said('Port', port === undefined ? undefined : Number(port)),
      ...said('User', text('ansible_ssh_user', 'ansible_user')),
      ...said('IdentityFile', keyFile === undefined ? undefined : path(keyFile)),
      // A file of ours is the only one read.
      ...(ownKnownHosts.length === 0
        ? []
        : [
            ...said('UserKnownHostsFile', ownKnownHosts.map((name) => `"${path(name)}"`).join(' ')),
            ...said('GlobalKnownHostsFile', 'none'),
          ]),
      ...ofArguments.options,
    ],
    ...('configFile' in ofArguments ? { sshConfigFile: ofArguments.configFile } : {}),
    become: isTrue(value('ansible_become')) ? 'sudo' : 'none',
    transport: /(?:^|[.])local$/.test(text('ansible_connection') ?? '') ? 'local' : 'ssh',
    ...(pair === undefined ? {} : { pair }),
    ...(isTrue(value('ctfleet_gateway')) ? { gateway: true } : {}),
    vars: otherVariables(variables),
    origin: `${file}:${host.at.line}:${host.at.column}`,
  }
}

/** A host that several groups name, or an anchor used twice, is complained about once. */
function distinct(complaints: readonly Complaint[]): readonly Complaint[] {
  return [...new Map(complaints.map((each) => [`${each.line}:${each.column}:${each.message}`, each])).values()]
}

function thisMachine(): Here {
  return { cwd: cwd(), home: homedir() }
}
