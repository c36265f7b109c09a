import { existsSync } from 'node:fs'
import { InputError } from '../input/complaint.ts'
import { type Inventory, inventoryPath, loadInventory, type SetAside } from '../inventory/inventory.ts'
import { sourcesIn } from '../inventory/named.ts'
import { type Choosable, selectReachable } from '../inventory/select-hosts.ts'
import type { Host, InventoryHost } from '../model/host.ts'
import { resolveWays, type WayWords } from '../transport/access.ts'
import { hostsNamed } from '../transport/host-key.ts'
import { checkKnownHosts } from '../transport/known-hosts.ts'
import { takeNewKeys, takesNewKeys } from '../transport/new-keys.ts'
import { notes } from '../transport/notes.ts'
import { checkAccess, holdSecrets } from './access.ts'
import { type AccessWords, accessAgain } from './access-words.ts'
import { checkAll, complainAbout } from './checks.ts'
import { vaultPasswordsFrom } from './vault-passwords.ts'

/** Which hosts a command is about, as it was typed, and how passwords for them are had. */
export type TargetWords = AccessWords & {
  readonly inventory: string | undefined
  readonly inventoryOption: string | undefined
  readonly limit: string | undefined
}

const NO_INVENTORY = 'name one behind the command, or in CTFLEET_INVENTORY; to begin one: ctfleet init web-1 web-2'

export type Targets = {
  readonly inventory: string
  readonly hosts: readonly Host[]
  /** Hosts that are meant too, and cannot be reached as the inventory has them. */
  readonly setAside: readonly SetAside[]
  /** All of the inventory, chosen or not. */
  readonly whole: Choosable<InventoryHost>
}

/** @throws InputError with every mistake in the inventory, the limit, and the key files of the hosts that are meant. */
export async function targetsFrom(words: TargetWords): Promise<Targets> {
  const loaded = await inventoryFrom(words)
  for (const said of loaded.notes) notes.add('inventory', said)
  const { hosts: meant, setAside } = selectReachable(loaded, words.limit)
  const hosts = await reachable(meant, words)
  holdSecrets(hosts, loaded.secrets)
  hostsNamed(targetWords(words))
  return { inventory: loaded.file, hosts: await usable(hosts, words), setAside, whole: whoIsIn(loaded) }
}

/** All else that an inventory holds, each value with its place, is a quarter of what ten thousand hosts keep in memory. */
function whoIsIn({ file, hosts, groups, setAside }: Inventory): Choosable<InventoryHost> {
  return { file, hosts, groups, setAside }
}

/** @throws InputError with every mistake in it, or where none is named. */
export async function inventoryFrom(words: TargetWords): Promise<Inventory> {
  const { inventory, inventoryOption } = words
  if (inventory !== undefined && inventoryOption !== undefined && inventory !== inventoryOption) {
    throw complainAbout('--inventory', `two inventories are named: ${inventory} and ${inventoryOption}`, 'name one')
  }
  const path = inventoryPath(inventory ?? inventoryOption, process.env)
  if ((inventory ?? inventoryOption ?? process.env.CTFLEET_INVENTORY ?? '') === '' && !existsSync(path)) {
    throw complainAbout(path, 'no such file, and no inventory is named', NO_INVENTORY)
  }
  return await loadInventory(path, { vaultPasswords: await vaultPasswordsFrom(words) })
}

/** The words that name the same hosts to another command. */
export function targetWords({ inventory, inventoryOption, limit, ...access }: TargetWords): readonly string[] {
  const named = inventory ?? inventoryOption
  const sources = named === undefined ? [] : sourcesIn(named)
  return [
    ...(sources.length === 1 ? sources : sources.flatMap((source) => ['-i', source])),
    ...(limit === undefined ? [] : ['--limit', limit]),
    ...accessAgain(access),
  ]
}

/** Hosts that are known from a plan, as something to choose from. */
export function choosable<H extends Pick<Host, 'name' | 'groups'>>(file: string, hosts: readonly H[]): Choosable<H> {
  const names = new Set(['all', ...hosts.flatMap(({ groups }) => groups)])
  const members = (group: string) => hosts.filter(({ groups }) => group === 'all' || groups.includes(group))
  return { file, hosts, groups: [...names].map((name) => ({ name, hosts: members(name).map((host) => host.name) })) }
}

/** @throws InputError with every mistake in what the inventory and ssh_config say of the way to them. */
export async function reachable(
  hosts: readonly InventoryHost[],
  words: WayWords & Pick<AccessWords, 'user' | 'become'> = {},
): Promise<readonly Host[]> {
  const resolved = await resolveWays(
    hosts.map((host) => asAsked(host, words)),
    words,
  )
  if (resolved.complaints.length > 0) throw new InputError(resolved.complaints)
  for (const { host, note } of resolved.notes) notes.add(host, note)
  return resolved.hosts
}

/** As Ansible has it: an option counts for less than the inventory, and for more than ssh_config. */
export function asAsked(host: InventoryHost, { user, become }: Pick<AccessWords, 'user' | 'become'>): InventoryHost {
  const login = user === undefined ? [] : [{ keyword: 'User', value: user, at: '--user' }]
  const climbs = become === true && host.become === 'none'
  return { ...host, sshOptions: [...host.sshOptions, ...login], ...(climbs ? { become: 'sudo' } : {}) }
}

/**
 * The hosts themselves, where all is there that logging in to them needs, but for what a person has to be asked for.
 * @throws InputError where it is not
 */
export async function usable(hosts: readonly Host[], words: AccessWords): Promise<readonly Host[]> {
  if (words.acceptNew === true) takeNewKeys()
  await checkAll({
    access: () => checkAccess(hosts, words),
    known: () => (words.writesKeys === true ? undefined : checkKnown(hosts)),
  })
  return hosts
}

async function checkKnown(hosts: readonly Host[]): Promise<void> {
  const overSsh = hosts.filter(({ transport }) => transport === 'ssh').flatMap((host) => [host, ...(host.jumps ?? [])])
  const complaints = await checkKnownHosts(overSsh.filter((way) => !takesNewKeys(way)))
  if (complaints.length === 0) return
  throw new InputError(
    complaints.map(({ path, message, hint }) => ({ file: path, line: null, column: null, path: '', message, hint })),
  )
}
