import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AuditOnRecord } from '../model/history.ts'

/** The audit that was told last: what could not be sent is in the next notice, also after a restart. */
export type Told = {
  readonly audit: string
  /** When it began, RFC 3339, UTC; null where that was not written down. */
  readonly at: string | null
}

/** Null: none yet, or cut off; then all that there is counts as new, which is better told twice than never. */
export async function toldLast(file: string): Promise<Told | null> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (typeof value !== 'object' || value === null || !('audit' in value) || typeof value.audit !== 'string')
      return null
    return { audit: value.audit, at: 'at' in value && typeof value.at === 'string' ? value.at : null }
  } catch {
    return null
  }
}

/** A newer one was told meanwhile, by another process; what a clock wrote that was ahead is not newer. */
export function isPast({ startedAt }: AuditOnRecord, told: Told | null): boolean {
  return told?.at != null && Date.parse(told.at) > Date.parse(startedAt) && Date.parse(told.at) <= Date.now()
}

/** Several processes may do so at once: the newest audit stays. */
export async function rememberTold(file: string, audit: AuditOnRecord): Promise<void> {
  if (isPast(audit, await toldLast(file))) return
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const next = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`
  await writeFile(next, `${JSON.stringify({ audit: audit.id, at: audit.startedAt })}\n`, { mode: 0o600 })
  await rename(next, file)
}
