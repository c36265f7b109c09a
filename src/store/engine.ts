/** What we use of SQLite: the interface of `node:sqlite`, which the package has too. All of it is synchronous. */
export type Database = {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export type Statement = {
  run(...values: readonly Value[]): { readonly changes: number | bigint }
  get(...values: readonly Value[]): Row | undefined
  all(...values: readonly Value[]): readonly Row[]
}

export type Value = string | number | null | Uint8Array
export type Row = { readonly [column: string]: unknown }

/**
 * @param timeout milliseconds that a statement waits for another program's lock, during which nothing else happens here
 * @param readOnly nothing is written, and nothing is made
 */
export type Engine = new (path: string, options: { readonly timeout: number; readonly readOnly?: boolean }) => Database

/** Loaded by the first who needs it, since most commands do not. @throws where no SQLite runs on this machine. */
export function loadEngine(): Promise<Engine> {
  loading ??= load()
  return loading
}

let loading: Promise<Engine> | null = null

async function load(): Promise<Engine> {
  try {
    const { DatabaseSync } = await import('@photostructure/sqlite')
    return working(DatabaseSync as unknown as Engine)
  } catch (error) {
    // It is built for x64 and arm64, with glibc 2.29 or musl. Elsewhere a newer Node's own will do.
    const own: unknown = process.getBuiltinModule?.('node:sqlite')
    if (own === undefined) throw error
    return working((own as { readonly DatabaseSync: Engine }).DatabaseSync)
  }
}

function working(engine: Engine): Engine {
  new engine(':memory:', { timeout: 0 }).close()
  return engine
}

/** Another program holds the file's lock. */
export function isBusy(error: unknown): boolean {
  return isOneOf(error, BUSY)
}

/** What the file holds is no database, or not a sound one. */
export function isDamage(error: unknown): boolean {
  return isOneOf(error, DAMAGED)
}

type Conditions = { readonly [code: number]: string }

/** SQLite's result codes, and its own constant text for each: what the package's `all` throws has no code. */
const BUSY: Conditions = { 5: 'database is locked' }
const DAMAGED: Conditions = { 11: 'database disk image is malformed', 26: 'file is not a database' }

function isOneOf(error: unknown, conditions: Conditions): boolean {
  if (!(error instanceof Error)) return false
  const hasCode = 'errcode' in error && typeof error.errcode === 'number'
  // The primary code is the low byte of the extended one.
  return hasCode ? (Number(error.errcode) & 0xff) in conditions : Object.values(conditions).includes(error.message)
}
