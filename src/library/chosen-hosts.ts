import { homedir } from 'node:os'
import { cwd } from 'node:process'
import { type Complaint, InputError } from '../input/complaint.ts'
import { type Inventory, inventoryPath, loadInventory, parseInventory, type SetAside } from '../inventory/inventory.ts'
import { type Choosable, selectReachable } from '../inventory/select-hosts.ts'
import type { Host, InventoryHost } from '../model/host.ts'
import type { Json } from '../model/json.ts'
import { resolveWays } from '../transport/access.ts'
import { checkIdentities } from '../transport/identities.ts'
import { keyring } from '../transport/keyring.ts'
import { checkKnownHosts } from '../transport/known-hosts.ts'
import { takesNewKeys } from '../transport/new-keys.ts'

/** Which hosts are meant, and how they are logged in to. */
export type HostOptions = {
  /**
   * A file, a directory, a program, or names (`web-1,web-2,`), as Ansible has them; or the groups themselves, as a YAML
   * inventory would hold them: `{ all: { hosts: { 'web-1': { ansible_user: 'ops' } } } }`. Left out: CTFLEET_INVENTORY,
   * else `./inventory.yaml`.
   */
  readonly inventory?: string | { readonly [group: string]: Json }
  /** As `--limit` has it: `web,db-1`, `all:!web-3`. Left out: all hosts. */
  readonly limit?: string
  readonly secrets?: Secrets
}

/** Nobody is asked, so what an agent or a key without a passphrase does not do has to be given. They are kept for this process, for all hosts. */
export type Secrets = {
  /** To log in with, where the inventory has none for a host. */
  readonly login?: string
  /** To become root with; left out: the one that logged in. */
  readonly become?: string
  /** Each opens values that ansible-vault sealed. */
  readonly vault?: readonly string[]
}

export type ChosenHosts = {
  /** As it was named; `(inventory)` where it was given as an object. */
  readonly inventory: string
  readonly hosts: readonly Host[]
  /** Hosts that are meant too, and cannot be reached as the inventory has them. */
  readonly setAside: readonly SetAside[]
  /** All of the inventory, chosen or not. */
  readonly whole: Choosable<InventoryHost>
}

/** @throws InputError with every mistake in the inventory, the limit and the ways to the hosts that are meant; nothing was contacted then. */
export async function chosenHosts({ inventory, limit, secrets = {} }: HostOptions): Promise<ChosenHosts> {
  const loaded = await inventoryOf(inventory, secrets)
  const { hosts: meant, setAside } = selectReachable(loaded, limit)
  const { hosts, complaints } = await resolveWays(meant)
  if (complaints.length > 0) throw new InputError(complaints)
  hold(secrets, loaded)
  await checkWays(hosts)
  return { inventory: loaded.file, hosts, setAside, whole: loaded }
}

/** The same hosts again, from a plan, which holds none of their secrets. */
export async function readyHosts(hosts: readonly Host[], { inventory, secrets = {} }: HostOptions): Promise<void> {
  hold(secrets, inventory === undefined ? null : await inventoryOf(inventory, secrets))
  await checkWays(hosts)
}

async function inventoryOf(inventory: HostOptions['inventory'], { vault = [] }: Secrets): Promise<Inventory> {
  const vaultPasswords = vault.map((password) => ({ id: null, password }))
  if (typeof inventory !== 'object') {
    return await loadInventory(inventoryPath(inventory, process.env), { vaultPasswords })
  }
  const here = { cwd: cwd(), home: homedir() }
  return parseInventory(JSON.stringify(inventory, null, 2), '(inventory)', here, vaultPasswords)
}

function hold({ login, become }: Secrets, loaded: Inventory | null): void {
  if (login !== undefined) keyring.holdForAll({ login })
  if (become !== undefined) keyring.holdForAll({ become })
  for (const [host, own] of loaded?.secrets ?? []) keyring.holdFor(host, own)
}

/** What is missing of the files that logging in needs is said before any connection. */
async function checkWays(hosts: readonly Host[]): Promise<void> {
  const ways = hosts.filter(({ transport }) => transport === 'ssh').flatMap((host) => [host, ...(host.jumps ?? [])])
  const found = [
    ...(await checkIdentities(ways, { canAsk: false })),
    ...(await checkKnownHosts(ways.filter((way) => !takesNewKeys(way)))),
  ]
  if (found.length > 0) throw new InputError(found.map(asComplaint))
}

function asComplaint({ path, message, hint }: { path: string; message: string; hint: string | null }): Complaint {
  return { file: path, line: null, column: null, path: '', message, hint }
}
