import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Cgroup } from './cgroup.ts'

/** What one command cost. Times in seconds of wall clock and of CPU; memory in bytes. */
export type Cost = {
  readonly wall: number
  /** Of the command and all that it started here. */
  readonly cpu: number
  /** Of what stands for the hosts; null where nothing does. */
  readonly hostCpu: number | null
  /** The largest sum of what its processes held at a time: shared pages count once (proportional set size). */
  readonly memory: number
  readonly code: number
  readonly stdout: string
  /** The last of it. */
  readonly stderr: string
}

export type Command = {
  readonly argv: readonly string[]
  readonly env: { readonly [name: string]: string }
}

/** Between two looks at its memory. */
const EVERY_MS = 200

/** Runs a command in a control group of its own and counts what it and the hosts spend meanwhile. */
export async function measure(
  command: Command,
  groups: { readonly own: Cgroup; readonly hosts: Cgroup | null; readonly everyMs?: number },
): Promise<Cost> {
  const [file = '', ...words] = [...groups.own.entering, ...command.argv]
  const before = { own: groups.own.cpu(), hosts: groups.hosts?.cpu() ?? 0 }
  const start = performance.now()
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...command.env } })
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4000)
  })
  let memory = 0
  const watch = setInterval(() => {
    memory = Math.max(memory, heldBy(groups.own.processes()))
  }, groups.everyMs ?? EVERY_MS)
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status ?? -1))
  })
  clearInterval(watch)
  const wall = (performance.now() - start) / 1000
  return {
    wall,
    cpu: (groups.own.cpu() - before.own) / 1e6,
    hostCpu: groups.hosts === null ? null : (groups.hosts.cpu() - before.hosts) / 1e6,
    memory,
    code,
    stdout: Buffer.concat(stdout).toString(),
    stderr,
  }
}

/** Bytes. Processes that end meanwhile hold nothing. */
function heldBy(processes: readonly number[]): number {
  const kilobytes = processes.map((pid) => {
    try {
      return Number(/^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      return 0
    }
  })
  return kilobytes.reduce((sum, each) => sum + each, 0) * 1024
}
