import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { stateDirectory } from '../store/state-directory.ts'
import { complainAbout } from './checks.ts'

/** The directory that holds the record of runs; another user, sudo and CTFLEET_STATE have another one. */
export function recordPlace(): string {
  return stateDirectory(process.env, homedir())
}

/**
 * That nothing is there is an answer; that nobody may look is none.
 * @throws InputError where the record cannot be looked for
 */
export async function checkSearchable(): Promise<void> {
  const place = recordPlace()
  try {
    await access(join(place, '.'), constants.R_OK | constants.X_OK)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw complainAbout(
      place,
      `whether runs are on record there cannot be told: ${error instanceof Error ? error.message : String(error)}`,
      'run ctfleet as whoever applied, or set CTFLEET_STATE; without a record: ctfleet rollback --from-hosts INVENTORY',
    )
  }
}
