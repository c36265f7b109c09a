import { randomBytes } from 'node:crypto'

/** `20261126-0942-7f3a`: the minute in UTC, so that ids sort by time, and two random bytes. */
export function newRunId(now: Date): string {
  const digits = now.toISOString().replace(/[-:]/g, '')
  return `${digits.slice(0, 8)}-${digits.slice(9, 13)}-${randomBytes(2).toString('hex')}`
}
