import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { inParallel } from './command.ts'
import type { NamespaceHost } from './host.ts'
import { namespaceHost, startHost, stopHost } from './namespace-host.ts'
import { createSwitch, removeNetwork } from './network.ts'
import { ensurePackages } from './packages.ts'
import { DEFAULT_HOSTS, type Personality, personalityOf } from './personalities.ts'
import { claimSlot, MOST_BEHIND, MOST_HOSTS, MOST_JUMPS, releaseSlot, type Slot, slotOf, takenSlots } from './slot.ts'
import { generateKey, labKey } from './ssh.ts'
import { type HostRecord, type LabState, NO_LAB, readState, removeState, writeState } from './state.ts'

/** A running lab of namespace hosts. */
export interface Lab extends AsyncDisposable {
  /** Where inventory.yaml, known_hosts and the key are. */
  readonly dir: string
  readonly inventoryPath: string
  readonly hosts: readonly NamespaceHost[]
  /** Throws for a name that the lab does not have. */
  host(name: string): NamespaceHost
  /** Ends and removes all that the lab made; may be called twice. */
  down(): Promise<void>
}

export type LabWish = {
  /** Names like `web-1`; the nine of DEFAULT_HOSTS unless given. */
  readonly hosts?: readonly string[]
  /** Jump hosts such as `bastion-1`, the first one first: the second, and all hosts, are reached through them alone. */
  readonly behind?: readonly string[]
  /** A new directory under the system's temporary one unless given. */
  readonly dir?: string
  readonly say?: (line: string) => void
}

/** More hosts booting at once only wait for each other. */
const WIDTH = 6

/** Whether namespace hosts can run here; `why` is for the reason of a skipped test. */
export function canRunLab(): { readonly ok: true } | { readonly ok: false; readonly why: string } {
  if (process.platform !== 'linux')
    return { ok: false, why: `network namespaces need Linux, this is ${process.platform}` }
  if (process.getuid?.() !== 0) return { ok: false, why: 'network namespaces need root' }
  if (!existsSync('/proc/self/ns/net')) return { ok: false, why: 'this kernel has no network namespaces' }
  if (!existsSync('/proc/sys/net/ipv6/conf/all')) return { ok: false, why: 'this kernel has no IPv6' }
  const hasTools = existsSync('/usr/sbin/ip') || existsSync('/usr/bin/apt-get')
  return hasTools ? { ok: true } : { ok: false, why: 'neither ip nor apt-get is installed' }
}

/** Starts namespace hosts and returns when all of them answer; a lab that was up in the same directory is replaced. */
export async function startLab(wish: LabWish = {}): Promise<Lab> {
  const able = canRunLab()
  if (!able.ok) throw new Error(able.why)
  const jumps = wish.behind ?? []
  const names = [...new Set([...jumps, ...(wish.hosts ?? DEFAULT_HOSTS)])]
  if (jumps.length > MOST_JUMPS) throw new Error(`a lab has at most ${MOST_JUMPS} hosts in between`)
  if (jumps.length > 0 && names.length > MOST_BEHIND)
    throw new Error(`at most ${MOST_BEHIND} hosts can be behind others`)
  if (names.length > MOST_HOSTS) throw new Error(`a lab has at most ${MOST_HOSTS} hosts`)
  const plan = names.map((name, index) => ({
    name,
    index,
    personality: personalityOf(name),
    ...(jumps.length === 0 ? {} : { behind: jumps.slice(0, index), isJump: index < jumps.length }),
  }))
  await ensurePackages('namespaces', wish.say ?? (() => undefined))

  const dir = resolve(wish.dir ?? (await mkdtemp(join(tmpdir(), 'ctfleet-lab-'))))
  await stopNamespaces(dir)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const slot = await claimSlot(dir)
  try {
    // The number goes to disk before anything is made: with it, all else can be found and removed.
    await writeState(dir, { ...(await readState(dir)), slot: slot.number, hosts: [] })
    const [client] = await Promise.all([labKey(dir), createSwitch(slot, jumps.length), mkdir(`${slot.dir}/keys`)])
    const hosts = await inParallel(plan, WIDTH, (host) => bootHost(slot, host, client))
    await writeState(dir, { ...(await readState(dir)), slot: slot.number, hosts })
  } catch (error) {
    await stopNamespaces(dir)
    throw error
  }
  return openLab(dir)
}

/** The lab that another process started in `dir`; throws when there is none. */
export async function openLab(dir: string): Promise<Lab> {
  const state = await readState(dir)
  const { slot } = state
  if (slot === undefined) throw new Error(`no lab is up in ${dir}. Next: npm run lab -- up`)
  const hosts = state.hosts.map((record) => namespaceHost(slotOf(slot), record, dir))
  const down = () => stopNamespaces(dir)
  return {
    dir,
    inventoryPath: `${dir}/inventory.yaml`,
    hosts,
    host(name) {
      const found = hosts.find((host) => host.name === name)
      if (found !== undefined) return found
      throw new Error(`the lab has no ${name}, only ${hosts.map((host) => host.name).join(', ')}`)
    },
    down,
    [Symbol.asyncDispose]: down,
  }
}

/** Takes down the namespace hosts of the lab in `dir`, also of one that crashed half-way; virtual machines stay. */
export async function stopNamespaces(dir: string): Promise<void> {
  const state = await readState(dir)
  const orphans = (await takenSlots()).filter((taken) => taken.owner === resolve(dir)).map((taken) => taken.slot.number)
  for (const number of new Set([...orphans, ...(state.slot === undefined ? [] : [state.slot])])) {
    await removeSlot(slotOf(number))
  }
  const left: LabState = { ...NO_LAB, vms: state.vms }
  if (left.vms.length > 0) await writeState(dir, left)
  else if (state !== NO_LAB || orphans.length > 0) await removeState(dir)
}

/** Ends whatever runs under a lab's number and removes its links, namespaces, mount and files. */
export async function removeSlot(slot: Slot): Promise<void> {
  const names = await readdir(`${slot.dir}/hosts`).catch(() => [])
  await Promise.all(names.map((name) => stopHost(`${slot.dir}/hosts/${name}`)))
  await removeNetwork(slot)
  await releaseSlot(slot)
}

async function bootHost(
  slot: Slot,
  { personality, ...place }: { readonly personality: Personality } & Omit<HostRecord, 'user' | 'knownKey'>,
  client: string,
): Promise<HostRecord> {
  const { name } = place
  const own = await generateKey(`${slot.dir}/keys/${name}`)
  const known = personality.knownKey === 'own' ? own : await generateKey(`${slot.dir}/keys/${name}-other`)
  const record = { ...place, user: personality.user, knownKey: known.publicKey }
  if (personality.script !== 'none') {
    await startHost(slot, record, { personality, hostKey: own.key, authorizedKey: client })
  }
  return record
}
