import { closeSync, existsSync, fchmodSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Database, type Engine, isBusy, isDamage, loadEngine } from './engine.ts'
import { makeDirectory } from './make-directory.ts'
import { migrate, VERSION, versionOf } from './schema.ts'

export type DatabaseFile = {
  readonly path: string
  /** One transaction that writes, on disk when this resolves. `work` may be done several times, and counts once. */
  readonly change: <T>(work: (database: Database) => T) => Promise<T>
  /** One view of what is there; null where there is no file yet. */
  readonly look: <T>(work: (database: Database) => T) => Promise<T | null>
}

export type Waits = {
  /** How long another program's transactions are waited for, ms: one that begins a run of thousands of hosts takes seconds. */
  readonly patience: number
  /** How long a statement waits by itself, ms: our connections to hosts stand still meanwhile. */
  readonly standstill: number
}

const WAITS: Waits = { patience: 60_000, standstill: 100 }

/**
 * The file is opened anew for each transaction, so no lock outlives one, and a file that another ctfleet has set aside is
 * not written on. Its journal is a rollback journal, not a write-ahead log: that is sound on network file systems too, and can
 * be read where nothing can be written.
 * @param tell hears in a sentence of a damaged file that was set aside.
 */
export function databaseFile(path: string, tell: (sentence: string) => void, waits: Partial<Waits> = {}): DatabaseFile {
  const { patience, standstill } = { ...WAITS, ...waits }
  const soundly = async <T>(attempt: (engine: Engine) => T) => await soundlyAt(path, { tell, patience }, attempt)
  const transact = <T>(engine: Engine, kind: Kind, work: (database: Database) => T) =>
    transactAt(new engine(path, { timeout: standstill }), kind, work)
  const change: DatabaseFile['change'] = async (work) =>
    await soundly((engine) => {
      makeOwn(path)
      return transact(engine, 'immediate', (database) => {
        migrate(database)
        return work(database)
      })
    })
  const look: DatabaseFile['look'] = async (work) => {
    if (!existsSync(path)) return null
    const seen = await soundly((engine) =>
      transact(engine, 'deferred', (database) =>
        versionOf(database) < VERSION ? 'too old' : { result: work(database) },
      ),
    )
    return seen === 'too old' ? await change(work) : seen.result
  }
  return { path, change, look }
}

/** A file that this ctfleet does not know how to read, and must not write. */
export class LaterRecord extends Error {
  constructor(version: number) {
    super(`it was written by a later ctfleet (version ${version}, this one knows ${VERSION})`)
  }
}

type Kind = 'immediate' | 'deferred'

function transactAt<T>(database: Database, kind: Kind, work: (database: Database) => T): T {
  try {
    // A commit is on disk, journal included, before it returns.
    database.exec(`pragma journal_mode = truncate; pragma synchronous = full; begin ${kind}`)
    const version = versionOf(database)
    if (version > VERSION) throw new LaterRecord(version)
    const result = work(database)
    database.exec('commit')
    return result
  } finally {
    // What was not committed is rolled back by this.
    database.close()
  }
}

/** Does it once nobody else is at it, and with a new file where this one turns out to be damaged. */
async function soundlyAt<T>(
  path: string,
  { tell, patience }: { readonly tell: (sentence: string) => void; readonly patience: number },
  attempt: (engine: Engine) => T,
): Promise<T> {
  const engine = await loadEngine()
  const deadline = Date.now() + patience
  for (let damages = 0; ; ) {
    const met = identityOf(path)
    try {
      return attempt(engine)
    } catch (error) {
      if (isDamage(error) && damages++ < 3) {
        const aside = orSay(`${path} is damaged (${messageOf(error)}) and could not be set aside`, () =>
          setAside(engine, path, met),
        )
        if (aside !== null) tell(`${path} was damaged (${messageOf(error)}); it was set aside as ${aside}`)
      } else if (isBusy(error) && Date.now() < deadline) {
        await pause(10 + Math.random() * 40)
      } else {
        throw new Error(`${path}: ${messageOf(error)}`, { cause: error })
      }
    }
  }
}

/**
 * Under a lock of its own: another ctfleet may have met the same damage, and what stands there by now is its new file.
 * @returns its new name, or null where it was gone already.
 */
function setAside(engine: Engine, path: string, met: number | null): string | null {
  const lock = `${path}.lock`
  makeOwn(lock)
  const locked = new engine(lock, { timeout: 5000 })
  try {
    locked.exec('begin exclusive')
    if (met === null || identityOf(path) !== met) return null
    const date = new Date().toISOString().replace(/[-:]|[.]\d+/g, '')
    let aside = `${path}.damaged-${date}`
    for (let more = 2; existsSync(aside); more++) aside = `${path}.damaged-${date}-${more}`
    renameSync(path, aside)
    if (existsSync(`${path}-journal`)) renameSync(`${path}-journal`, `${aside}-journal`)
    return aside
  } finally {
    locked.close()
  }
}

/**
 * For its owner alone: the record tells where hosts and keys are. The journal gets the mode of the file. A directory that was
 * there before keeps its mode, since it may be anybody's.
 */
function makeOwn(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return
  makeDirectory(dirname(path), 0o700)
  const file = openSync(path, 'a', 0o600)
  // Whoever looked while another set it aside has made an empty one for everybody to read.
  fchmodSync(file, 0o600)
  closeSync(file)
}

function orSay<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error })
  }
}

function identityOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
