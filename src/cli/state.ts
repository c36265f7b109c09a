import { homedir } from 'node:os'
import { visible } from '../report/format.ts'
import { databaseStore } from '../store/database.ts'
import { LaterRecord } from '../store/database-file.ts'
import { stateDirectory } from '../store/state-directory.ts'
import type { RunStore } from '../store/store.ts'
import { complainAbout } from './checks.ts'
import type { Terminal } from './terminal.ts'

export function openStore({ say }: Terminal): RunStore {
  return databaseStore(stateDirectory(process.env, homedir()), (sentence) => say([visible(sentence)]))
}

/** @throws InputError when no record could be kept: then nothing may be changed. */
export async function storeToWrite(terminal: Terminal): Promise<RunStore> {
  const store = openStore(terminal)
  await kept(async () => await store.prepare())
  return store
}

/** Without a record nothing may begin. @throws InputError for a store that fails, with what to do. */
export async function kept<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isLater = error instanceof Error && error.cause instanceof LaterRecord
    throw complainAbout(
      'CTFLEET_STATE',
      `the records of runs cannot be kept or read there: ${error instanceof Error ? error.message : String(error)}`,
      isLater
        ? 'use that ctfleet here; or, to begin another record, set CTFLEET_STATE to another directory'
        : 'set CTFLEET_STATE to a directory that you may write to, with room on its disk',
    )
  }
}
