import { readFileSync } from 'node:fs'

/** Whether the terminal shows what is typed on it. */
export type Echo = { readonly off: () => void; readonly asBefore: () => void }

/** Where somebody else may own the keys: nothing is done. */
export const NOT_OURS: Echo = { off: () => undefined, asBefore: () => undefined }

type Ways = {
  /** Runs it on our stdin: what it printed, or null where it cannot be run. */
  readonly stty: (...words: readonly string[]) => string | null
  readonly isInForeground: () => boolean
}

/**
 * Of the terminal on our stdin. Keys that make signals (Ctrl-C, Ctrl-Z) go on doing so, which they would not in the raw mode that
 * Node offers. When the process ends by itself, Node puts the terminal back as it found it; where a signal stops or ends us, we do:
 * for most Node has no handler, and those it has for SIGINT and SIGTERM are gone once anybody has listened for them.
 */
export function echoOf({ stty, isInForeground }: Ways = OURS): Echo {
  let isWanted: boolean | undefined
  let isOff = false
  const set = (off: boolean) => {
    // In the background the kernel would stop whoever changes the terminal.
    if (!isInForeground()) return
    isWanted ??= echoes(stty('-a') ?? '')
    if (isWanted && stty(off ? '-echo' : 'echo') !== null) isOff = off
  }
  const onStop = () => {
    set(false)
    // Not SIGSTOP: where no shell could let us go on (we are what ssh -t or a container runs), the kernel spares us this one.
    process.off('SIGTSTP', onStop)
    process.kill(process.pid, 'SIGTSTP')
    setImmediate(onGoOn)
  }
  const onGoOn = () => {
    if (!isHearing) return
    process.off('SIGTSTP', onStop).on('SIGTSTP', onStop)
    set(true)
  }
  const onEnd = (name: NodeJS.Signals) => {
    // Whoever else hears it decides what comes of it, and has the lines taken back before we end.
    if (process.listenerCount(name) > 1) return
    asBefore()
    process.kill(process.pid, name)
  }
  const hearing = [['SIGTSTP', onStop], ['SIGCONT', onGoOn], ...ENDING.map((name) => [name, onEnd] as const)] as const
  let isHearing = false
  const hear = (on: boolean) => {
    if (on !== isHearing) for (const [name, what] of hearing) process[on ? 'on' : 'off'](name, what)
    isHearing = on
  }
  const asBefore = () => {
    hear(false)
    if (isOff) set(false)
  }
  return {
    off: () => {
      if (isOff) return
      set(true)
      if (isOff) hear(true)
    },
    asBefore,
  }
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** @param all what `stty -a` prints. */
export function echoes(all: string): boolean {
  return all.split(/[\s;]+/).includes('echo')
}

/**
 * @param stat a process' /proc/PID/stat (man 5 proc_pid_stat): the fifth field is its process group, the eighth that in the
 * foreground of its terminal; the second is a name that may hold anything.
 */
export function hasForeground(stat: string): boolean {
  const [, , , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 1).split(' ')
  return group !== undefined && group === foreground
}

function areInForeground(): boolean {
  try {
    return hasForeground(readFileSync('/proc/self/stat', 'latin1'))
  } catch {
    // Where it cannot be told, the terminal stays as it is.
    return false
  }
}

/** Longer than it ever takes, ms. */
const PATIENCE = 1000

/** @param timeout ms */
export function sttyWithin(timeout: number): Ways['stty'] {
  return (...words) => {
    // Only where progress is drawn: nobody else is to wait until it is loaded.
    const { spawnSync } = process.getBuiltinModule('node:child_process')
    // One that the kernel has stopped, as we are in the background by now, hears nothing else.
    const within = { timeout, killSignal: 'SIGKILL' } as const
    const { status, stdout } = spawnSync('stty', words, { stdio: ['inherit', 'pipe', 'ignore'], ...within })
    return status === 0 ? stdout.toString() : null
  }
}

const OURS: Ways = { stty: sttyWithin(PATIENCE), isInForeground: areInForeground }
