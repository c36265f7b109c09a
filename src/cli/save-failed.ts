import { writeFile } from 'node:fs/promises'
import { counted } from '../diagnosis/numbers.ts'
import { plainReason } from '../input/system-error.ts'
import type { ForetoldResult, HostResult } from '../model/result.ts'
import { visible } from '../report/format.ts'
import { quote } from '../shell/script.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'

/** Those whose end makes the exit code what it is. */
export function failedOf(results: readonly (HostResult | ForetoldResult)[]): readonly string[] {
  return results.filter((result) => exitCodeOf([result]) !== EXIT.asWanted).map(({ host }) => host)
}

/**
 * Writes the names of hosts that failed for `--limit @FILE`, an empty list too: an older one would be taken for this run's.
 * @returns what to say at the end of the report, also where that could not be done; nothing where no file was named
 */
export async function saveFailed(path: string | undefined, failed: readonly string[]): Promise<readonly string[]> {
  if (path === undefined) return []
  try {
    await writeFile(path, failed.map((name) => `${name}\n`).join(''))
  } catch (error) {
    return ['', `Those that failed could not be written down: ${visible(path)}: ${plainReason(error)}`]
  }
  if (failed.length === 0) return ['', `No host failed; ${path} is empty.`]
  return ['', `${counted(failed.length, 'host', 'hosts')} that failed: --limit @${quote(path)} names them.`]
}
