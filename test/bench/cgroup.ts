import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killHard } from '../lab/network.ts'

/** A control group of version 2, which counts the CPU of all that ever ran in it; no controller has to be enabled for that. */
export type Cgroup = {
  /** Microseconds of CPU, user and system, since it was made. */
  cpu(): number
  /** Numbers of the processes that are in it now. */
  processes(): readonly number[]
  /** Runs this with our own process in the group, so that whatever it starts begins there. */
  within<T>(work: () => Promise<T>): Promise<T>
  /** Put in front of a command, it runs in the group. */
  readonly entering: readonly string[]
  /** Ends what is still in it. */
  sweep(): void
  /** Ends what is still in it, and removes it. */
  remove(): Promise<void>
}

/** @returns why there is none, where this machine gives us none. */
export function makeCgroup(name: string): Cgroup | { readonly why: string } {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1]
  if (mount === undefined) return { why: 'no file system of control groups, version 2, is mounted' }
  const root = mount.replaceAll('\\040', ' ')
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/'
  const dir = join(root, `${name}-${process.pid}`)
  const procs = join(dir, 'cgroup.procs')
  try {
    mkdirSync(dir)
  } catch (error) {
    return { why: `no control group can be made: ${error instanceof Error ? error.message : String(error)}` }
  }
  const cpu = () => Number(/^usage_usec (\d+)$/m.exec(readFileSync(join(dir, 'cpu.stat'), 'utf8'))?.[1])
  const processes = () => readFileSync(procs, 'utf8').split('\n').filter(Boolean).map(Number)
  const sweep = () => processes().forEach(killHard)
  return {
    cpu,
    processes,
    async within(work) {
      writeFileSync(procs, String(process.pid))
      try {
        return await work()
      } finally {
        writeFileSync(join(root, own, 'cgroup.procs'), String(process.pid))
      }
    },
    entering: ['/bin/sh', '-c', 'echo $$ >"$0" && exec "$@"', procs],
    sweep,
    async remove() {
      for (let tries = 0; tries < 100; tries++) {
        sweep()
        try {
          return rmdirSync(dir)
        } catch {
          await sleep(50)
        }
      }
    },
  }
}
