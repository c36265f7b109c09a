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
  `create table approvals (
     run text not null, host text not null, plan text not null, "by" text not null, at text not null, how text not null,
     note text, primary key (run, host)
   ) without rowid, strict;`,
  // A report apart from what lists need, packed. A series is one host of one inventory; `at` is all of RFC 3339 that UTC needs,
  // so that its text sorts by time and begins with its hour.
  `create table audits (
     id text primary key, started_at text not null, ended_at text not null, "by" text not null, inventory text not null,
     only_some text, policy text, schedule text, due_at text, critical integer not null, warning integer not null,
     info integer not null, hosts integer not null, unasked integer not null, unique (schedule, due_at)
   ) without rowid, strict;
   create index audits_by_time on audits (started_at);
   create table reports (audit text primary key, packed blob not null) strict;
   create table series (id integer primary key, inventory text not null, host text not null, unique (host, inventory)) strict;
   create table samples (
     series integer not null, at text not null, boot text, entries integer, max integer, buckets integer,
     drops integer, early_drops integer, insert_failed integer, primary key (series, at)
   ) without rowid, strict;
   create table claims (
     schedule text not null, at text not null, "by" text not null, until text not null, primary key (schedule, at)
   ) without rowid, strict;
   create table sweeps (id integer primary key check (id = 1), ended_at text, next_series integer not null) strict;`,
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
