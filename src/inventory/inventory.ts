import { homedir } from 'node:os'
import { cwd } from 'node:process'
import { type Complaint, InputError, inReadingOrder } from '../input/complaint.ts'
import type { HostSecrets, InventoryHost } from '../model/host.ts'
import { asOne } from './as-one.ts'
import { type Collected, collect } from './collect.ts'
import { EXAMPLE, firstFew } from './foreign.ts'
import { absoluteSource, sourcesIn } from './named.ts'
import { type Beside, hostsOf, type Merged, mergerOf, rankGroups, reconcile, type VariableFile } from './precedence.ts'
import { shownValues, type Value } from './shown.ts'
import { readText } from './text-inventory.ts'
import { checkVariable } from './variables.ts'
import type { VaultPassword } from './vault.ts'
import { type Here, wayOf } from './way.ts'
import { complainIn, complaintAt, newWritten, type Variable, type Written } from './written.ts'

export type { Value } from './shown.ts'
export type { Here } from './way.ts'

/** Every host that ctfleet may be asked to work on, in the order in which the inventories name them. */
export type Inventory = {
  /** As it was named; several with ` + ` between them, which `loadInventory` takes too. */
  readonly file: string
  readonly sources: readonly string[]
  /** Every file that was read, `group_vars/` and `host_vars/` among them. */
  readonly files: readonly string[]
  readonly hosts: readonly InventoryHost[]
  readonly groups: readonly Group[]
  /** Hosts that cannot be reached, since ctfleet cannot read what is needed for it. No other host is affected. */
  readonly setAside: readonly SetAside[]
  /** By host, those set aside among them: all that is said of it, weakest first overwritten, without secrets. */
  readonly values: { get(host: string): ReadonlyMap<string, Value> | undefined }
  /** Passwords by host, for the keyring and nothing else. */
  readonly secrets: ReadonlyMap<string, HostSecrets>
  /** What programs said on stderr while they listed hosts. */
  readonly notes: readonly string[]
}

export type Group = {
  readonly name: string
  /** All that the group holds, those of the groups below it among them; its own first, as in Ansible. */
  readonly hosts: readonly string[]
  /** Those that are named in the group itself. */
  readonly own: readonly string[]
  readonly children: readonly string[]
  readonly parents: readonly string[]
  readonly vars: ReadonlyMap<string, Value>
}

export type SetAside = {
  readonly name: string
  readonly groups: readonly string[]
  readonly complaints: readonly Complaint[]
}

/** The inventory that is meant: the one named, else CTFLEET_INVENTORY, else `./inventory.yaml`. */
export function inventoryPath(
  named: string | undefined,
  environment: { readonly [name: string]: string | undefined },
): string {
  return named ?? (environment.CTFLEET_INVENTORY || './inventory.yaml')
}

/**
 * Reads inventories as Ansible does, later ones over earlier ones: files in YAML, JSON or INI, programs, directories of these, and
 * hosts named with a comma; with `group_vars/` and `host_vars/` beside them.
 * https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html
 * @throws InputError with every mistake. What is merely not supported sets only the hosts aside that need it.
 */
export async function loadInventory(
  named: string | readonly string[],
  { here = thisMachine(), vaultPasswords = [] }: { here?: Here; vaultPasswords?: readonly VaultPassword[] } = {},
): Promise<Inventory> {
  const sources = typeof named === 'string' ? sourcesIn(named) : named.flatMap(sourcesIn)
  const collected = await collect(sources, vaultPasswords)
  return finish(collected, { sources, here, passwords: vaultPasswords })
}

/**
 * Reads the text of one inventory, and nothing beside it.
 * @throws InputError with every mistake in the text.
 */
export function parseInventory(
  text: string,
  file: string,
  here: Here,
  passwords: readonly VaultPassword[] = [],
): Inventory {
  const written = newWritten()
  const complaints = readText(text, file, written)
  reconcile(written)
  const collected = { written, beside: [], files: [file], notes: [], complaints, sourceOf: () => file }
  return finish(collected, { sources: [file], here, passwords })
}

type Terms = {
  readonly sources: readonly string[]
  readonly here: Here
  readonly passwords: readonly VaultPassword[]
}

function finish(collected: Collected, { sources, here, passwords }: Terms): Inventory {
  const { written, beside, files, notes } = collected
  const sourceOf = (name: string) => absoluteSource(collected.sourceOf(name), here.cwd)
  const complaints = [...collected.complaints, ...complaintsOf(written, beside)]
  const file = asOne(sources)
  if (written.hosts.size === 0 && complaints.length === 0)
    complaints.push(complaintAt(file, { line: 1, column: 1 }, [], 'names no host', EXAMPLE))
  if (complaints.length > 0) {
    const all = inReadingOrder(distinct(complaints))
    throw new InputError(written.hosts.size === 0 ? firstFew(all) : all)
  }

  const merged = mergerOf(written, beside)
  const all = asOne(sources.map((source) => absoluteSource(source, here.cwd)))
  const surroundings = { here, passwords, sourceOf, all }
  const hosts: InventoryHost[] = []
  const setAside: SetAside[] = []
  const secrets = new Map<string, HostSecrets>()
  for (const host of written.hosts.values()) {
    const said = merged(host)
    const way = wayOf(host, said, surroundings)
    if ('complaints' in way) setAside.push({ name: host.name, groups: said.groups, complaints: way.complaints })
    else {
      hosts.push(way.host)
      if (Object.keys(way.secrets).length > 0) secrets.set(host.name, way.secrets)
    }
  }
  const values = (name: string): Merged['variables'] | undefined => {
    const host = written.hosts.get(name)
    return host === undefined ? undefined : merged(host).variables
  }
  return {
    file,
    sources,
    files,
    hosts,
    groups: groupsOf(written, beside),
    setAside,
    values: {
      get(name) {
        const found = values(name)
        return found === undefined ? undefined : shownValues(found)
      },
    },
    secrets,
    notes,
  }
}

function groupsOf({ groups }: Written, beside: readonly Beside[]): readonly Group[] {
  const ranked = new Set([...groups.values()].slice(0, 2).concat(rankGroups(groups)))
  return [...ranked].map(({ name, hosts, children, parents, vars }) => {
    const all = new Map(vars)
    for (const each of beside) for (const [key, variable] of varsIn(each.groups.get(name))) all.set(key, variable)
    return {
      name,
      hosts: hostsOf(name, groups),
      own: [...hosts],
      children: [...children],
      parents: [...parents],
      vars: shownValues(all),
    }
  })
}

function complaintsOf(written: Written, beside: readonly Beside[]): readonly Complaint[] {
  const complaints: Complaint[] = []
  const check = (vars: Iterable<readonly [string, Variable]>) => {
    for (const [name, variable] of vars) checkVariable(name, variable, complainIn(variable.file, complaints))
  }
  for (const { vars } of [...written.groups.values(), ...written.hosts.values()]) check(vars)
  for (const { groups, hosts } of beside)
    for (const files of [...groups.values(), ...hosts.values()]) check(varsIn(files))
  return complaints
}

function* varsIn(files: readonly VariableFile[] = []): Iterable<readonly [string, Variable]> {
  for (const each of files) if ('vars' in each) yield* each.vars
}

/** A host that several groups name, or an anchor used twice, is complained about once. */
function distinct(complaints: readonly Complaint[]): readonly Complaint[] {
  return [
    ...new Map(
      complaints.map((each) => [`${each.file}:${each.line}:${each.column}:${each.path}:${each.message}`, each]),
    ).values(),
  ]
}

function thisMachine(): Here {
  return { cwd: cwd(), home: homedir() }
}
