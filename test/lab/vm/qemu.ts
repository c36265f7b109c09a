import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { must, poll } from '../command.ts'
import { killHard } from '../network.ts'
import { exists, textOf } from '../packages.ts'
import type { Image } from './image.ts'

export type QemuWish = {
  readonly image: Image
  /** Directory of its sockets, pid and console; short, as a socket's path has at most 107 bytes. */
  readonly runDir: string
  /** A disk that keeps what is written; without one, writes are forgotten when QEMU ends (not when the guest reboots). */
  readonly disk: string | undefined
  readonly init: 'fast' | 'systemd'
  readonly memoryMb: number
  /** Guest port to loopback port. */
  readonly forwards: Readonly<Record<number, number>>
  readonly identity: Readonly<Record<string, string>>
}

/** Starts QEMU in the background and returns its pid; the guest is still booting then. */
export async function startQemu(wish: QemuWish): Promise<number> {
  const { image, runDir } = wish
  const initrd = `${runDir}/initrd`
  await must(['sh', '-c', `cat "$1" - > "$2"`, 'sh', image.initrd, initrd], { input: newcArchive(wish.identity) })
  const forwards = Object.entries(wish.forwards).map(([guest, host]) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`)
  const init = wish.init === 'systemd' ? ' lab.init=/lib/systemd/systemd' : ''
  const log = openSync(`${runDir}/qemu.log`, 'a')
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...['-name', runDir, '-accel', 'tcg,thread=multi', '-cpu', 'max', '-m', String(wish.memoryMb), '-smp', '2'],
      ...['-kernel', image.kernel, '-initrd', initrd, '-append', `console=ttyS0 panic=1 quiet net.ifnames=0${init}`],
      ...['-drive', `file=${wish.disk ?? image.disk},format=raw,if=virtio,snapshot=${wish.disk ? 'off' : 'on'}`],
      ...['-netdev', `user,id=net0${forwards.join('')}`, '-device', 'virtio-net-pci,netdev=net0,id=card0'],
      ...['-display', 'none', '-serial', `file:${runDir}/console.log`],
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
  await poll(async () => ((await exists(`/proc/${pid}/ns/net`)) ? undefined : true), {
    everyMs: 20,
    timeoutSeconds: 10,
  })
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

/** Whether an SSH server greets on the port; QEMU accepts connections long before the guest does. */
export function sshGreets(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.setTimeout(3000, () => socket.destroy())
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
