import { mkdir, readdir, rmdir, stat, writeFile } from 'node:fs/promises'
import { must, run } from './command.ts'
import { exists, textOf } from './packages.ts'

/** Labs need root, and root's runtime directory is the one place that no other user can prepare for us. */
const RUN_ROOT = '/run/ctfleet-lab'

/** 198.18.0.0/15 cut into /22s: 128 labs of a thousand hosts each. */
const SLOTS = 128
const PREFIX = 22
const FIRST_HOST = 10
export const MOST_HOSTS = 1000
/** Networks behind jump hosts are the last two /24 of a lab's /22. */
const INSIDE = [0, 512, 768]
export const MOST_JUMPS = INSIDE.length - 1
export const MOST_BEHIND = 200

/** All that a lab's number decides: whoever knows the number can take the lab down, whatever else was lost. */
export type Slot = {
  readonly number: number
  readonly dir: string
  /** The interface on the machine, also the prefix of every namespace. */
  readonly link: string
  readonly switchNetns: string
}

/** One of a lab's networks: the machine is in the first one, and each jump host in one and the next. */
export type Segment = {
  readonly bridge: string
  readonly prefix: number
  /** Of who leads out of it: the machine, or a jump host. */
  readonly gateway: string
  readonly gateway6: string
}

export function slotOf(number: number): Slot {
  const link = `ctl${number}`
  return {
    number,
    dir: `${RUN_ROOT}/${number}`,
    link,
    switchNetns: `${link}-switch`,
  }
}

/** @param depth how many jump hosts stand before it */
export function segmentOf(slot: Slot, depth: number): Segment {
  return {
    bridge: `br${depth}`,
    prefix: depth === 0 ? PREFIX : 24,
    gateway: addressOf(slot.number, depth, 1),
    gateway6: address6Of(slot.number, depth, 1),
  }
}

/** A host's addresses and names, from its place in the lab; `depth` as in `segmentOf`. */
export function placeOf(slot: Slot, index: number, name: string, depth = 0) {
  return {
    netns: `${slot.link}-${name}`,
    port: `v${index}`,
    segment: segmentOf(slot, depth),
    // The same after a reboot, as a real host's, or its peers would not find it again for a while.
    hardwareAddress: `02:c7:${octet(slot.number)}:00:${octet(index >> 8)}:${octet(index & 255)}`,
    dir: `${slot.dir}/hosts/${name}`,
    address: addressOf(slot.number, depth, FIRST_HOST + index),
    address6: address6Of(slot.number, depth, FIRST_HOST + index),
  }
}

/** Takes the first free lab number; creating its directory is the lock. `owner` is the lab's DIR. */
export async function claimSlot(owner: string): Promise<Slot> {
  await mkdir(RUN_ROOT, { recursive: true, mode: 0o700 })
  for (let number = 0; number < SLOTS; number++) {
    const slot = slotOf(number)
    if (await exists(`/sys/class/net/${slot.link}`)) continue
    try {
      await mkdir(slot.dir, { mode: 0o700 })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') continue
      throw error
    }
    // One tmpfs for all that hosts write: fast, and an overlay's upper layer may not lie on another overlay.
    await must(['mount', '-t', 'tmpfs', '-o', 'mode=700,size=2g', 'tmpfs', slot.dir])
    await writeFile(`${slot.dir}/owner`, owner)
    return slot
  }
  throw new Error(`all ${SLOTS} lab numbers are taken. Next: npm run lab -- down --all`)
}

export async function releaseSlot(slot: Slot): Promise<void> {
  for (let tries = 0; tries < 3 && (await isMountPoint(slot.dir)); tries++) {
    const ended = await run(['umount', slot.dir])
    // Busy only while a killed host's last files close; a lazy unmount waits for that in our place.
    if (ended.code !== 0) await run(['umount', '-l', slot.dir])
  }
  await rmdir(slot.dir).catch(() => undefined)
  await rmdir(RUN_ROOT).catch(() => undefined)
}

/** Every lab that left a trace here, with the DIR it was started for. */
export async function takenSlots(): Promise<{ slot: Slot; owner: string | undefined }[]> {
  const names = await readdir(RUN_ROOT).catch(() => [])
  return Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const slot = slotOf(Number(name))
        return { slot, owner: await textOf(`${slot.dir}/owner`) }
      }),
  )
}

function addressOf(slot: number, depth: number, number: number): string {
  const host = number + (INSIDE[depth] ?? 0)
  return `198.${18 + (slot >> 6)}.${(slot & 63) * 4 + (host >> 8)}.${host & 255}`
}

function address6Of(slot: number, depth: number, host: number): string {
  return `fd00:198:18:${(slot + depth * 256).toString(16)}::${host.toString(16)}`
}

function octet(value: number): string {
  return value.toString(16).padStart(2, '0')
}

async function isMountPoint(path: string): Promise<boolean> {
  const [here, above] = await Promise.all([
    stat(path).catch(() => undefined),
    stat(`${path}/..`).catch(() => undefined),
  ])
  return here !== undefined && above !== undefined && here.dev !== above.dev
}
