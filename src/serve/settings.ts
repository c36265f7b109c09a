import { createHash } from 'node:crypto'
import type { Schedule, Times } from '../model/schedule.ts'
import type { Rules } from './turn.ts'

/** The name of a schedule that was given none: the same for the same words, and no other's. */
export function usualName(inventory: string, others: readonly string[]): string {
  const base = inventory
    .replace(/[,/]+$/, '')
    .replace(/^.*\//, '')
    .replace(/\.[^.]*$/, '')
  const tidy = base
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 24)
  const digest = createHash('sha256')
    .update([inventory, ...others].join('\0'))
    .digest('hex')
  return `${tidy === '' ? 'audit' : tidy}-${digest.slice(0, 6)}`
}

/** Letters, digits and dashes: it stands in file names, units and labels. */
export function isName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/.test(text)
}

/** @param where this machine's name: two that watch the same do not begin at the same second. */
export function rulesOf({ name, jitter, catchUp }: Schedule, times: Times, where: string): Rules {
  return { times, catchUp, delayOf: (due) => (jitter === 0 ? 0 : part(`${where} ${name} ${due}`) * jitter * 1000) }
}

/** From 0 to 1, the same for the same text: after a restart an audit begins when it would have. */
function part(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 0x1_0000_0000
}
