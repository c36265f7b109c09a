import { readdirSync, readFileSync } from 'node:fs'
import { counted } from '../diagnosis/numbers.ts'

/** File descriptors that one host takes: its connection while it is read, and the ports that are asked before and after a change. */
export const READING_FILES = 2
export const CHANGING_FILES = 34

/** For what else this process opens meanwhile: its record, key files, name servers, connections to jump hosts. */
const SPARE = 64

export type Fitting = { readonly parallel: number; readonly note: string | null }

/**
 * As many hosts at a time as there are file descriptors for, and what to say where those are fewer than wanted.
 * @param free descriptors that this process may still open; null where nobody can tell, and nothing is held back
 */
export function asManyAsFit(wanted: number, each: number, free: number | null): Fitting {
  const room = free === null ? wanted : Math.max(1, Math.floor((free - SPARE) / each))
  if (room >= wanted) return { parallel: wanted, note: null }
  const hosts = counted(room, 'host', 'hosts')
  const next = `for ${wanted}, raise it before: ulimit -n ${wanted * each + 4 * SPARE}`
  return { parallel: room, note: `${hosts} at a time, as this machine lets us open no more files (${next}).` }
}

/** The soft limit, which node raises to the hard one by itself, less what is open already. */
export function freeDescriptors(): number | null {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? null : Number(soft) - readdirSync('/proc/self/fd').length
  } catch {
    // No Linux, or no /proc.
    return null
  }
}
