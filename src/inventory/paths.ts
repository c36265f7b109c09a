import { type Stats, statSync } from 'node:fs'

/** False too for what is no path: a list of a thousand hosts is longer than paths may be. */
export function isDirectory(path: string): boolean {
  return statsOf(path)?.isDirectory() ?? false
}

/** A file that can be read more than once, as a pipe cannot. */
export function isRegularFile(path: string): boolean {
  return statsOf(path)?.isFile() ?? false
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}
