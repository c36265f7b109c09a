import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'

/** What to run for ctfleet, in a journey. */
export function programWords(): readonly [string, string] {
  return [process.execPath, inject('program')]
}

/** Puts `ctfleet` into a directory, as what a person types; `openScreen` looks there first. */
export async function putProgram(dir: string): Promise<void> {
  await writeFile(join(dir, 'ctfleet'), `#!/bin/sh\nexec ${programWords().join(' ')} "$@"\n`, { mode: 0o755 })
}
