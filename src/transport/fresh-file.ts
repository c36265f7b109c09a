import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { readWithin } from '../input/bounded-file.ts'
import { plainReason } from '../input/system-error.ts'

/** Bytes; known_hosts of a very large site, and no device that never ends. */
const MOST = 64 * 1024 * 1024

/** What a file held, worked out once for all hosts and again when the file changes. */
export type FreshFile<T> = (path: string) => Promise<T | Unreadable>

export type Unreadable = { readonly unreadable: string; readonly missing: boolean }

export function freshFile<T extends object>(parse: (bytes: Buffer, path: string) => T): FreshFile<T> {
  const read = new Map<string, { readonly stamp: string; readonly value: Promise<T | Unreadable> }>()
  return async (named) => {
    const path = homePath(named)
    let stamp: string
    try {
      const found = await stat(path)
      if (found.isFIFO()) return { unreadable: 'it is a pipe', missing: false }
      stamp = `${found.mtimeMs} ${found.size} ${found.ino}`
    } catch (error) {
      return whyUnreadable(error)
    }
    const before = read.get(path)
    if (before?.stamp === stamp) return await before.value
    const value = readWithin(path, MOST).then(
      (bytes) => ('cannot' in bytes ? { unreadable: `it ${bytes.cannot}`, missing: false } : parse(bytes, named)),
      whyUnreadable,
    )
    read.set(path, { stamp, value })
    return await value
  }
}

/** Asks once a second at most for each path: thousands of hosts ask for the same few. Not for what we write ourselves. */
export function nowAndThen<T>(ask: (path: string) => Promise<T>): (path: string) => Promise<T> {
  const asked = new Map<string, { readonly at: number; readonly answer: Promise<T> }>()
  return async (path) => {
    const now = performance.now()
    const before = asked.get(path)
    if (before !== undefined && now - before.at < ASK_EVERY_MS) return await before.answer
    const answer = ask(path)
    asked.set(path, { at: now, answer })
    return await answer
  }
}

const ASK_EVERY_MS = 1000

/** `~/` as shells have it. */
export function homePath(path: string): string {
  return path.startsWith('~/') ? `${homedir()}${path.slice(1)}` : path
}

function whyUnreadable(error: unknown): Unreadable {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  const why: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    ENOTDIR: 'there is no such file',
    EACCES: 'it may not be read by this user',
    EISDIR: 'it is a directory',
  }
  return {
    unreadable: why[code] ?? `it cannot be read: ${plainReason(error)}`,
    missing: code === 'ENOENT' || code === 'ENOTDIR',
  }
}
