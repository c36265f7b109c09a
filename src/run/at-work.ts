import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { plainReason } from '../input/system-error.ts'
import { makeDirectory } from '../store/make-directory.ts'
import { stateDirectory } from '../store/state-directory.ts'

/** A process that said it works on a run, and whether it does so still. */
export type Worker =
  | { readonly pid: number; readonly machine: string; readonly life: 'alive' | 'gone' | 'elsewhere' }
  /** Somebody said so in this file, and who cannot be read: it may be alive. */
  | { readonly life: 'unknown'; readonly file: string; readonly why: string }

/**
 * Says beside the record that this process works on a run, so that nobody resumes it under our feet. A process that is
 * killed leaves this behind; the number and start time in it tell that it is gone.
 * @returns takes it back.
 */
export async function declareWork(run: string, state?: string): Promise<() => Promise<void>> {
  const path = pathOf(run, state)
  makeDirectory(dirname(path), 0o700)
  const { pid } = process
  const text = `${JSON.stringify({ pid, since: await startOf(pid), machine: hostname() })}\n`
  // Whole or not at all: whoever reads half of it could not tell that we are at work.
  const next = `${path}.${pid}.tmp`
  try {
    await writeFile(next, text, { mode: 0o600, flush: true })
    await rename(next, path)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
  return async () => await rm(path, { force: true })
}

/** Who said so last, or null where nobody did, or whoever did has said that it is over. */
export async function workerOn(run: string): Promise<Worker | null> {
  const told = await readDeclaration(pathOf(run))
  if (told === null || 'life' in told) return told
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

async function readDeclaration(file: string): Promise<Declaration | Extract<Worker, { life: 'unknown' }> | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    return { life: 'unknown', file, why: plainReason(error) }
  }
  return parseDeclaration(text) ?? { life: 'unknown', file, why: 'it does not say which process' }
}

function parseDeclaration(text: string): Declaration | null {
  try {
    const { pid, since, machine } = JSON.parse(text)
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
