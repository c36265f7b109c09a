import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { kill } from 'node:process'

/**
 * Ends a program and all that it has begun, which would otherwise go on by itself. It is in our own process group, and has
 * to be: it may ask at the terminal. Where there is no /proc it ends alone.
 */
export function endProgram(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  // What stands still begins nothing more.
  send(pid, 'SIGSTOP')
  for (const each of [...below(pid), pid]) send(each, 'SIGKILL')
}

/** As above, where this process exits before it. */
export function endWithUs(child: ChildProcess): void {
  if (running.size === 0) process.on('exit', endAll)
  running.add(child)
  child.once('close', () => {
    running.delete(child)
    if (running.size === 0) process.removeListener('exit', endAll)
  })
}

const running = new Set<ChildProcess>()

function endAll(): void {
  for (const child of running) endProgram(child)
}

/** Deepest last. */
function below(pid: number): readonly number[] {
  const parents = parentsByPid()
  const found = new Set([pid])
  for (let before = 0; before < found.size; ) {
    before = found.size
    for (const [each, parent] of parents) if (found.has(parent)) found.add(each)
  }
  found.delete(pid)
  return [...found]
}

function parentsByPid(): ReadonlyMap<number, number> {
  return new Map(
    namesIn('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), parentOf(name)]),
  )
}

/** The fourth word of proc_pid_stat(5), behind a name that may hold anything; 0 where the process has ended. */
function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2])
  } catch {
    return 0
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}
