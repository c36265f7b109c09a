import type { Plan } from '../model/plan.ts'

/** What a transaction is about, kept beside its journal: enough to tell it from others on the host alone. */
export type About = {
  readonly run: string
  /** Login name and machine of who asked. */
  readonly by: string
  /** When it was sent, by the controller's clock; RFC 3339, UTC. */
  readonly at: string
  readonly host: string
  readonly plan: string
  readonly strategy: string
  /** Titles of its changes, in the order in which they are made. */
  readonly changes: readonly string[]
  /** The step kind of each of them; absent where an earlier ctfleet wrote it. */
  readonly kinds?: readonly string[]
}

/** The run that a transaction belongs to, as hosts are told of it. */
export type Asker = { readonly run: string; readonly by: string }

const LONGEST_TITLE = 120
const MOST_TITLES = 20
const LONGEST_KIND = 40

/** One line of JSON, under 4000 bytes. */
export function printAbout({ run, by }: Asker, { host, id, strategy, changes }: Plan, at: Date): string {
  const told = changes.slice(0, MOST_TITLES)
  return JSON.stringify({
    run: plain(run, 40),
    by: plain(by, 80),
    at: at.toISOString(),
    host: plain(host.name, 200),
    plan: id,
    strategy: plain(strategy, 80),
    changes: told.map(({ title }) => plain(title, LONGEST_TITLE)),
    kinds: told.map(({ kind }) => plain(kind, LONGEST_KIND)),
  } satisfies About)
}

/** Who holds a host, in one line for its lock and its log. */
export function printAsker({ run, by }: Asker): string {
  return `run ${plain(run, 40)} by ${plain(by, 80)}`
}

/** Total: what is not what `printAbout` prints is null; it comes from a host. */
export function parseAbout(line: string): About | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { run, by, at, host, plan, strategy, changes, kinds = [] } = value as Record<string, unknown>
  const texts = [run, by, at, host, plan, strategy]
  if (!texts.every((text) => typeof text === 'string' && text.length <= 200)) return null
  // It becomes part of commands that a person is told to type.
  if (!/^[A-Za-z0-9-]{1,40}$/.test(run as string)) return null
  if (!areTexts(changes, LONGEST_TITLE) || !areTexts(kinds, LONGEST_KIND)) return null
  if (Number.isNaN(Date.parse(at as string))) return null
  return { run, by, at, host, plan, strategy, changes, ...(kinds.length === 0 ? {} : { kinds }) } as About
}

function areTexts(value: unknown, longest: number): value is readonly string[] {
  if (!Array.isArray(value) || value.length > MOST_TITLES) return false
  return value.every((text) => typeof text === 'string' && text.length <= longest)
}

function plain(text: string, longest: number): string {
  return text.replace(/[^ -~]/g, '?').slice(0, longest)
}
