import { existsSync } from 'node:fs'
import { InputError } from '../input/complaint.ts'
import { inventoryPath, loadInventory } from '../inventory/inventory.ts'
import { type Choosable, selectHosts } from '../inventory/select-hosts.ts'
import type { Host, InventoryHost } from '../model/host.ts'
import { resolveWays } from '../transport/access.ts'
import { checkIdentities } from '../transport/identities.ts'
import { checkKnownHosts, DEFAULT_KNOWN_HOSTS } from '../transport/known-hosts.ts'
import { complainAbout } from './checks.ts'

/** Which hosts a command is about, as it was typed. */
export type TargetWords = {
  readonly inventory: string | undefined
  readonly inventoryOption: string | undefined
  readonly limit: string | undefined
}

const NO_INVENTORY =
  'name one behind the command, or in CTFLEET_INVENTORY; to begin one, copy inventory.example.yaml from where ctfleet is'

export type Targets = { readonly inventory: string; readonly hosts: readonly Host[] }

/** @throws InputError with every mistake in the inventory, the limit, and the key files of the hosts that are meant. */
export async function targetsFrom({ inventory, inventoryOption, limit }: TargetWords): Promise<Targets> {
  if (inventory !== undefined && inventoryOption !== undefined && inventory !== inventoryOption) {
    throw complainAbout('--inventory', `two inventories are named: ${inventory} and ${inventoryOption}`, 'name one')
  }
  const path = inventoryPath(inventory ?? inventoryOption, process.env)
  if ((inventory ?? inventoryOption ?? process.env.CTFLEET_INVENTORY ?? '') === '' && !existsSync(path)) {
    throw complainAbout(path, 'no such file, and no inventory is named', NO_INVENTORY)
  }
  const loaded = await loadInventory(path)
  return { inventory: loaded.file, hosts: await usable(await reachable(selectHosts(loaded, limit))) }
}

/** Hosts that are known from a plan, as something to choose from. */
export function choosable<H extends Pick<Host, 'name' | 'groups'>>(file: string, hosts: readonly H[]): Choosable<H> {
  const names = new Set(['all', ...hosts.flatMap(({ groups }) => groups)])
  const members = (group: string) => hosts.filter(({ groups }) => group === 'all' || groups.includes(group))
  return { file, hosts, groups: [...names].map((name) => ({ name, hosts: members(name).map((host) => host.name) })) }
}

/** @throws InputError with every mistake in what the inventory and ssh_config say of the way to them. */
export async function reachable(hosts: readonly InventoryHost[]): Promise<readonly Host[]> {
  const resolved = await resolveWays(hosts)
  if (resolved.complaints.length > 0) throw new InputError(resolved.complaints)
  return resolved.hosts
}

/** The hosts themselves, where every file is there that logging in to them needs. @throws InputError where one is not. */
export async function usable(hosts: readonly Host[]): Promise<readonly Host[]> {
  const overSsh = hosts.filter(({ transport }) => transport === 'ssh')
  const usual = new Set(DEFAULT_KNOWN_HOSTS)
  const named = overSsh.flatMap(({ knownHostsFiles }) => knownHostsFiles).filter((file) => !usual.has(withTilde(file)))
  const complaints = [...(await checkIdentities(overSsh)), ...(await checkKnownHosts(named))]
  if (complaints.length > 0) {
    throw new InputError(
      complaints.map(({ path, message, hint }) => ({ file: path, line: null, column: null, path: '', message, hint })),
    )
  }
  return hosts
}

function withTilde(file: string): string {
  const home = process.env.HOME
  return home !== undefined && file.startsWith(`${home}/`) ? `~${file.slice(home.length)}` : file
}
