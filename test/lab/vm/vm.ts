import { mkdir, mkdtemp, readFile, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { must, poll, run } from '../command.ts'
import { normaliseDump } from '../dump.ts'
import { drainTable, fillTable } from '../entries.ts'
import type { LabHost } from '../host.ts'
import { ensurePackages, exists, textOf } from '../packages.ts'
import { generateKey, labKey, sshCommand } from '../ssh.ts'
import { type LabState, readState, removeState, type VmRecord, writeState } from '../state.ts'
import { vmImage } from './image.ts'
import {
  freePorts,
  type Machine,
  qemuPid,
  sshGreets,
  startQemu,
  stopQemu,
  tellQemu,
  untilQemuEnds,
  writeInitramfs,
} from './qemu.ts'

/** A virtual machine of the lab. */
export interface LabVm extends LabHost, AsyncDisposable {
  readonly dir: string
  readonly inventoryPath: string
  /** Loopback ports that lead to the guest's 22, 80 and 8080. */
  readonly forwards: Readonly<Record<number, number>>
  /** Pulls the plug and boots again: what was written and not synced is lost. */
  reset(): Promise<void>
  /** As its administrator would: systemd stops everything in order, and it boots again. */
  reboot(): Promise<void>
  /** What the guest's kernel and init said. */
  console(): Promise<string>
  /** Ends this virtual machine; a persistent one keeps its disk. */
  down(): Promise<void>
}

export type VmWish = {
  /** `vm-1` unless given. */
  readonly name?: string
  /** A new directory under the system's temporary one unless given; a lab that is up there gets one more host. */
  readonly dir?: string
  /** Keeps the disk in DIR over `down`, to be used again by the next start with the same name. */
  readonly persistent?: boolean
  /** Debian's systemd as init, instead of a script that starts sshd. */
  readonly init?: 'fast' | 'systemd'
  /** 512 unless given. */
  readonly memoryMb?: number
  readonly say?: (line: string) => void
}

const GUEST_PORTS = [22, 80, 8080] as const
const BOOT_SECONDS = 120
const STOP_SECONDS = 120

/** Boots a Debian virtual machine and returns when its sshd answers; the first time builds the image (2 minutes). */
export async function startVm(wish: VmWish = {}): Promise<LabVm> {
  const say = wish.say ?? (() => undefined)
  const name = wish.name ?? 'vm-1'
  if (!/^vm-\d{1,4}$/.test(name)) throw new Error(`a virtual machine is called vm-N, not ${name}`)
  await ensurePackages('vm', say)
  const image = await vmImage(say)
  const dir = resolve(wish.dir ?? (await mkdtemp(join(tmpdir(), 'ctfleet-lab-'))))
  await stopVm(dir, name)
  await mkdir(dir, { recursive: true, mode: 0o700 })

  const runDir = await mkdtemp(join(tmpdir(), 'ctfleet-vm-'))
  try {
    const own = await generateKey(`${runDir}/hostkey`)
    const ports = await freePorts(GUEST_PORTS.length)
    const forwards = Object.fromEntries(GUEST_PORTS.map((guest, index) => [guest, ports[index] ?? 0]))
    const machine: Machine = {
      runDir,
      kernel: image.kernel,
      disk: wish.persistent === true ? `${dir}/disks/${name}.img` : `${runDir}/disk.img`,
      init: wish.init ?? 'fast',
      memoryMb: wish.memoryMb ?? 512,
      forwards,
    }
    const record = { name, runDir, port: forwards[22] ?? 0, forwards, knownKey: own.publicKey, machine }
    const identity = { hostname: `${name}\n`, ssh_host_ed25519_key: own.key, authorized_keys: `${await labKey(dir)}\n` }
    // On disk before QEMU runs, so that "down" finds it even if we end here.
    await changeVms(dir, (vms) => [...vms, record])
    await ensureDisk(machine.disk, image.disk)
    await writeInitramfs(machine, image, identity)
    await startQemu(machine)
    await untilUp(record)
  } catch (error) {
    await stopVm(dir, name)
    await rm(runDir, { recursive: true, force: true })
    throw error
  }
  return openVm(dir, name)
}

/** The virtual machine that another process started; throws when there is none of that name in `dir`. */
export async function openVm(dir: string, name: string): Promise<LabVm> {
  const record = (await readState(dir)).vms.find((vm) => vm.name === name)
  if (record === undefined) throw new Error(`no ${name} in ${dir}. Next: npm run lab -- vm up --name ${name}`)
  const { runDir } = record
  const target = { address: '127.0.0.1', port: record.port, user: 'root' }
  // One connection for all our own commands: a login takes an emulated CPU two seconds.
  const shared = ['-o', 'ControlMaster=auto', '-o', 'ControlPersist=600', '-o', `ControlPath=${runDir}/ssh`]
  const exec: LabHost['exec'] = (command, options = {}) => {
    const text = typeof command === 'string' ? command : command.map(quote).join(' ')
    const [ssh = 'ssh', ...rest] = sshCommand(dir, target, text)
    return run([ssh, ...shared, ...rest], { timeoutSeconds: 60, ...options })
  }
  const down = () => stopVm(dir, name)
  return {
    dir,
    inventoryPath: `${dir}/inventory.yaml`,
    name,
    address: target.address,
    address6: undefined,
    port: record.port,
    user: 'root',
    forwards: record.forwards,
    exec,
    ssh: (command, options = {}) => run(sshCommand(dir, target, command), { timeoutSeconds: 60, ...options }),
    async fill(options = {}) {
      // Nothing of netfilter is loaded at boot; entries need it.
      await exec('modprobe -a nf_conntrack nf_conntrack_netlink')
      return fillTable(exec, '10.0.2.15', options)
    },
    drain: () => drainTable(exec),
    cut: () => tellQemu(runDir, 'set_link card0 off'),
    mend: () => tellQemu(runDir, 'set_link card0 on'),
    async dump() {
      const ended = await exec('bash -s', { input: await readFile(join(import.meta.dirname, '../dump.sh'), 'utf8') })
      if (ended.code !== 0) throw new Error(`${name}: dump exited ${ended.code}: ${ended.stderr}`)
      return normaliseDump(ended.stdout)
    },
    async reset() {
      await leave(record)
      await stopQemu(runDir)
      await bootAgain(record)
    },
    async reboot() {
      await exec('systemctl poweroff')
      await untilQemuEnds(runDir, STOP_SECONDS)
      await leave(record)
      await bootAgain(record)
    },
    console: async () => (await textOf(`${runDir}/console.log`)) ?? '',
    down,
    [Symbol.asyncDispose]: down,
  }
}

/** Ends one virtual machine of the lab in `dir`; quietly when there is none. */
export async function stopVm(dir: string, name: string): Promise<void> {
  const record = (await readState(dir)).vms.find((vm) => vm.name === name)
  if (record === undefined) return
  await leave(record)
  await stopQemu(record.runDir)
  await rm(record.runDir, { recursive: true, force: true })
  await changeVms(dir, (vms) => vms.filter((vm) => vm.name !== name))
}

/** Ends all virtual machines of the lab in `dir` and removes their kept disks. */
export async function stopVms(dir: string): Promise<void> {
  await rm(`${dir}/disks`, { recursive: true, force: true })
  for (const { name } of (await readState(dir)).vms) await stopVm(dir, name)
  // Only a kept disk may have been left of the lab.
  await rmdir(dir).catch(() => undefined)
}

/** Ends the connection that our own commands share. */
async function leave({ runDir }: VmRecord): Promise<void> {
  await run(['ssh', '-F', 'none', '-o', `ControlPath=${runDir}/ssh`, '-O', 'exit', '127.0.0.1'])
}

/** By a QEMU of its own: one that has run for long takes minutes over the same boot, as it forgets its translations one by one. */
async function bootAgain(vm: VmRecord): Promise<void> {
  await startQemu(vm.machine)
  await untilUp(vm)
}

async function untilUp(vm: VmRecord): Promise<void> {
  let patienceMs = 400
  const greets = async () => {
    if ((await qemuPid(vm.runDir)) === undefined) return false
    patienceMs = Math.min(patienceMs * 1.2, 5000)
    return await sshGreets(vm.port, patienceMs)
  }
  const up = await poll(greets, { everyMs: 100, timeoutSeconds: BOOT_SECONDS })
  if (up === true) return
  const why = up === false ? 'QEMU ended' : `no sshd within ${BOOT_SECONDS} s`
  const said = `${(await textOf(`${vm.runDir}/qemu.log`)) ?? ''}${(await textOf(`${vm.runDir}/console.log`)) ?? ''}`
  throw new Error(`${vm.name} did not boot, ${why}: ${said.slice(-3000)}`)
}

async function ensureDisk(disk: string, pristine: string): Promise<void> {
  if (await exists(disk)) return
  await mkdir(dirname(disk), { recursive: true })
  await must(['cp', '--sparse=always', '--reflink=auto', pristine, disk])
}

async function changeVms(dir: string, change: (vms: readonly VmRecord[]) => VmRecord[]): Promise<void> {
  const state = await readState(dir)
  const next: LabState = { ...state, vms: change(state.vms) }
  if (next.slot === undefined && next.vms.length === 0) await removeState(dir)
  else await writeState(dir, next)
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
