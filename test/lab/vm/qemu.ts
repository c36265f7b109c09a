import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { must, poll } from '../command.ts'
import { killHard } from '../network.ts'
import { textOf } from '../packages.ts'
import type { Image } from './image.ts'

/** What QEMU needs to start a virtual machine, the first time and every time after it. */
export type Machine = {
  /** Directory of its sockets, pid, initramfs and console; short, as a socket's path has at most 107 bytes. */
  readonly runDir: string
  readonly kernel: string
  /** Its own: what was written is there at the next start. */
  readonly disk: string
  readonly init: 'fast' | 'systemd'
  readonly memoryMb: number
  /** Guest port to loopback port. */
  readonly forwards: Readonly<Record<number, number>>
}

// Each run of a program at an address of its own would be translated anew by the emulator: four times the time of a fork.
const FOR_AN_EMULATOR = 'norandmaps mitigations=off'

/** The initramfs of one machine: the image's, with who it is. */
export async function writeInitramfs(
  { runDir }: Machine,
  image: Image,
  identity: Readonly<Record<string, string>>,
): Promise<void> {
  const input = newcArchive(identity)
  await must(['sh', '-c', `cat "$1" - > "$2"`, 'sh', image.initrd, `${runDir}/initrd`], { input })
}

/** Starts QEMU in the background and returns its pid; the guest is still booting then. */
export async function startQemu({ runDir, kernel, disk, init, memoryMb, forwards }: Machine): Promise<number> {
  const redirected = Object.entries(forwards).map(([guest, host]) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`)
  const words = `console=ttyS0 panic=1 quiet net.ifnames=0 ${FOR_AN_EMULATOR}`
  const log = openSync(`${runDir}/qemu.log`, 'a')
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...['-name', runDir, '-accel', 'tcg,thread=multi', '-cpu', 'max', '-m', String(memoryMb), '-smp', '2'],
      ...['-kernel', kernel, '-initrd', `${runDir}/initrd`],
      ...['-append', init === 'systemd' ? `${words} lab.init=/lib/systemd/systemd` : words],
      ...['-drive', `file=${disk},format=raw,if=virtio`],
      ...['-netdev', `user,id=net0${redirected.join('')}`, '-device', 'virtio-net-pci,netdev=net0,id=card0'],
      ...['-display', 'none', '-chardev', `file,id=console,append=on,path=${runDir}/console.log`],
      ...['-serial', 'chardev:console'],
      ...['-monitor', `unix:${runDir}/monitor,server=on,wait=off`, '-pidfile', `${runDir}/pid`],
    ],
    { cwd: '/', detached: true, stdio: ['ignore', log, log] },
  )
  closeSync(log)
  qemu.unref()
  const pid = await poll(() => qemuPid(runDir), { everyMs: 20, timeoutSeconds: 10 })
  if (pid === undefined) throw new Error(`QEMU did not start: ${(await textOf(`${runDir}/qemu.log`)) ?? ''}`)
  return pid
}

/** The pid of the QEMU that was started for `runDir`, while it is alive. */
export async function qemuPid(runDir: string): Promise<number | undefined> {
  const pid = Number(await textOf(`${runDir}/pid`))
  if (!Number.isInteger(pid) || pid < 2) return undefined
  const argv = (await textOf(`/proc/${pid}/cmdline`))?.split('\0') ?? []
  return argv.includes(runDir) ? pid : undefined
}

export async function stopQemu(runDir: string): Promise<void> {
  const pid = await qemuPid(runDir)
  if (pid === undefined) return
  killHard(pid)
  if (!(await untilGone(pid, 10))) throw new Error(`${runDir}: QEMU, killed, goes on`)
}

/** Waits for a guest that switches itself off; throws when it is still there after `timeoutSeconds`. */
export async function untilQemuEnds(runDir: string, timeoutSeconds: number): Promise<void> {
  const pid = await qemuPid(runDir)
  if (pid !== undefined && !(await untilGone(pid, timeoutSeconds))) throw new Error(`${runDir}: QEMU goes on`)
}

/** Whether a process ends within its time, every thread of it: the last one closes its files, and with them their locks. */
async function untilGone(pid: number, timeoutSeconds: number): Promise<boolean> {
  const gone = async () => {
    const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
    // One that nobody waits for stays as a zombie.
    const isZombie = /\) [ZX] /.test((await textOf(`/proc/${pid}/stat`)) ?? ') X ')
    return threads.length <= 1 && isZombie ? true : undefined
  }
  return (await poll(gone, { everyMs: 20, timeoutSeconds })) === true
}

/** Says one line to QEMU's monitor, such as `set_link card0 off`. */
export async function tellQemu(runDir: string, command: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect(`${runDir}/monitor`)
    let prompts = ''
    socket.setTimeout(10_000, () => socket.destroy(new Error('QEMU monitor: no answer within 10 s')))
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      // The second prompt says that the command is done.
      if (prompts === '') socket.write(`${command}\n`)
      prompts += chunk.toString('latin1')
      if (prompts.split('(qemu) ').length > 2) socket.end()
    })
    socket.on('close', () => resolve())
  })
}

/** Whether an SSH server greets on the port within `patienceMs`; QEMU accepts connections long before the guest does. */
export function sshGreets(port: number, patienceMs = 3000): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.setTimeout(patienceMs, () => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      if (chunk.toString('latin1').startsWith('SSH-')) resolve(true)
      socket.destroy()
    })
    socket.on('close', () => resolve(undefined))
  })
}

/** Loopback ports that were free a moment ago. */
export async function freePorts(how: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: how }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address()
      await new Promise((resolve) => server.close(resolve))
      return address !== null && typeof address === 'object' ? address.port : 0
    }),
  )
}

/** A cpio archive of `/identity`; the kernel unpacks every archive that follows in an initramfs. */
function newcArchive(files: Readonly<Record<string, string>>): string {
  const entry = (name: string, mode: number, text: string): string => {
    const fields = [0, mode, 0, 0, 1, 0, Buffer.byteLength(text), 0, 0, 0, 0, name.length + 1, 0]
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`
    return padded(header) + padded(text)
  }
  const entries = Object.entries(files).map(([name, text]) => entry(`identity/${name}`, 0o100600, text))
  return [entry('identity', 0o040700, ''), ...entries, entry('TRAILER!!!', 0, '')].join('')
}

function padded(text: string): string {
  return text + '\0'.repeat((4 - (Buffer.byteLength(text) % 4)) % 4)
}
