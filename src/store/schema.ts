import type { Database } from './engine.ts'

/**
 * Each brings a file from the version of its place in this list to the next; what was released is never altered. A plan stands
 * once, under its id, which is the digest of all that is in it; `more` has what only some statuses have.
 */
const MIGRATIONS: readonly string[] = [
  `create table runs (
     id text primary key, command text not null, started_at text not null, ended_at text,
     "by" text not null, inventory text not null, "of" text
   ) without rowid, strict;
   create table plans (id text primary key, text text not null) strict;
   create table results (
     run text not null, host text not null, place integer not null, status text not null, strategy text,
     "transaction" text, until text, fault text, plan text, more text not null, updated_at text not null,
     primary key (run, host)
   ) without rowid, strict;`,
]

/** The version that a file has; 0 for one that was only just made. */
export function versionOf(database: Database): number {
  return Number(database.prepare('pragma user_version').get()?.user_version)
}

export const VERSION = MIGRATIONS.length

/** Inside a transaction that writes. */
export function migrate(database: Database): void {
  for (const migration of MIGRATIONS.slice(versionOf(database))) database.exec(migration)
  // Also where nothing was to do: a write that tells whether this file can be written.
  database.exec(`pragma user_version = ${VERSION}`)
}
