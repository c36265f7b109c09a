import { readFileSync } from 'node:fs'

/** Whether this process still runs: one that ended, and that nobody has asked about, does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
