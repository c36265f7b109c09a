import { readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { makeDirectory } from '../store/make-directory.ts'
import { stateDirectory } from '../store/state-directory.ts'

/** A process that said it works on a run, and whether it does so still. */
export type Worker = { readonly pid: number; readonly machine: string; readonly life: 'alive' | 'gone' | 'elsewhere' }

/**
 * Says beside the record that this process works on a run, so that nobody resumes it under our feet. A process that is
 * killed leaves this behind; the number and start time in it tell that it is gone.
 * @returns takes it back.
 */
export async function declareWork(run: string, state?: string): Promise<() => Promise<void>> {
  const path = pathOf(run, state)
  makeDirectory(dirname(path), 0o700)
  const { pid } = process
  await writeFile(path, `${JSON.stringify({ pid, since: await startOf(pid), machine: hostname() })}\n`, { mode: 0o600 })
  return async () => await rm(path, { force: true })
}

/** Who said so last, or null where nobody did, or whoever did has said that it is over. */
export async function workerOn(run: string): Promise<Worker | null> {
  const told = await readDeclaration(pathOf(run))
  if (told === null) return null
  const { pid, since, machine } = told
  if (machine !== hostname()) return { pid, machine, life: 'elsewhere' }
  return { pid, machine, life: since !== null && (await startOf(pid)) === since ? 'alive' : 'gone' }
}

export async function forgetWork(run: string): Promise<void> {
  await rm(pathOf(run), { force: true })
}

function pathOf(run: string, state = stateDirectory(process.env, homedir())): string {
  return join(state, 'at-work', run)
}

type Declaration = { readonly pid: number; readonly since: string | null; readonly machine: string }

async function readDeclaration(path: string): Promise<Declaration | null> {
  try {
    const { pid, since, machine } = JSON.parse(await readFile(path, 'utf8'))
    return Number.isInteger(pid) && pid > 0 && typeof machine === 'string' ? { pid, since, machine } : null
  } catch {
    return null
  }
}

/** Which life of this machine a process began in, and when; without /proc just that it is there. Null where it is not. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ')
    return fields[0] === 'Z' ? null : `${boot.trim()} ${fields[19]}`
  } catch {
    return isThere(pid) ? 'there' : null
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
