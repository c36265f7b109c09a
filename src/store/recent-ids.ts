import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, loadEngine } from './engine.ts'

/** What somebody may mean who types an id: newest first. `means`: in a few words, what it is. */
export type RecentId = { readonly id: string; readonly means: string }

/** More than a person looks through. */
const MOST = 30
/** A program that writes is waited for so long: milliseconds. */
const PATIENCE = 100

/**
 * The ids that were given last, for completion: reads and never writes, and whatever is wrong with the file is for others to
 * say. None where it cannot be read at once.
 */
export async function recentIds(state: string, of: 'runs' | 'audits'): Promise<readonly RecentId[]> {
  const path = join(state, 'ctfleet.db')
  if (!existsSync(path)) return []
  try {
    const engine = await loadEngine()
    const database = new engine(path, { timeout: PATIENCE, readOnly: true })
    try {
      return rowsOf(database, of)
    } finally {
      database.close()
    }
  } catch {
    return []
  }
}

const COLUMNS = { runs: "command || ' of ' || started_at", audits: "'audit of ' || started_at" } as const

function rowsOf(database: Database, of: 'runs' | 'audits'): readonly RecentId[] {
  const rows = database.prepare(`select id, ${COLUMNS[of]} as means from ${of} order by id desc limit ${MOST}`).all()
  return rows.map(({ id, means }) => ({ id: String(id), means: String(means) }))
}
