import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** As `mkdir -p`. Node's own tries without end where a parent cannot hold a directory, as /proc cannot. */
export function makeDirectory(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return
  const parent = dirname(path)
  if (parent !== path) makeDirectory(parent, mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Somebody else made it in between.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
