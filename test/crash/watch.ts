import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { killHard } from '../lab/network.ts'

/** Looks at this machine's processes, hosts' included, which costs no process: hundreds of cases wait at the same time. */

const EVERY_MS = 120
/** Between a process that starts another one apart and the other one's start. */
const GAP_MS = 500

/** Waits until no process of a transaction is left; false when some still is after the time limit. */
export async function standsStill(transaction: string, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000
  let seen = Date.now()
  while (Date.now() < end) {
    if (running(`/${transaction}/transaction`).length > 0) seen = Date.now()
    else if (Date.now() - seen >= GAP_MS) return true
    await sleep(EVERY_MS)
  }
  return false
}

/** Pids of processes with the text in their command line. */
export function running(text: string): readonly number[] {
  return commandLines()
    .filter(({ line }) => line.includes(text))
    .map(({ pid }) => pid)
}

/** Ends what was started from here for a transaction and still listens to it. */
export function endListeners(transaction: string): void {
  for (const { pid, line } of commandLines()) {
    if (line.split('\0').includes(transaction)) killHard(pid)
  }
}

let last: { readonly at: number; readonly rows: readonly { readonly pid: number; readonly line: string }[] } = {
  at: 0,
  rows: [],
}

function commandLines(): typeof last.rows {
  if (Date.now() - last.at < EVERY_MS / 2) return last.rows
  const rows = readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid)) return []
    try {
      return [{ pid, line: readFileSync(`/proc/${name}/cmdline`, 'latin1') }]
    } catch {
      return []
    }
  })
  last = { at: Date.now(), rows }
  return rows
}
