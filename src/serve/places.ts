import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { markOf } from './job.ts'

/** Where schedules are written on this machine. */
export type Places = {
  /** Who runs them: systemd, or cron where there is none, or nobody; or a cron that does not read what we would write. */
  readonly runner: 'systemd' | 'cron' | 'busybox' | 'none'
  /** Files of units, or of cron's tables. */
  readonly folder: string
}

/** @param root before all paths: `/`, or another directory for a trial. */
export function placesOf(root: string, user: { readonly config: string } | null): Places {
  const hasSystemd = existsSync(join(root, 'run/systemd/system'))
  if (hasSystemd) {
    const folder = user === null ? join(root, 'etc/systemd/system') : join(root, user.config, 'systemd/user')
    return { runner: 'systemd', folder }
  }
  const folder = join(root, 'etc/cron.d')
  const found = cronBelow(root)
  // Users' tables are read by every cron, and `crontab` knows where they are.
  if (user !== null) return { runner: found === 'none' ? 'none' : 'cron', folder }
  return { runner: found === 'cron' && !existsSync(folder) ? 'none' : found, folder }
}

/** By its program: the directories for its tables are there without it too, since packages bring theirs along. */
function cronBelow(root: string): 'cron' | 'busybox' | 'none' {
  const programs = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].flatMap((folder) => [`${folder}/cron`, `${folder}/crond`])
  const found = programs.map((program) => cronAt(join(root, program)))
  return found.find((each) => each === 'cron') ?? found.find((each) => each === 'busybox') ?? 'none'
}

function cronAt(program: string): 'cron' | 'busybox' | 'none' {
  try {
    if (/(?:^|\/)busybox[^/]*$/.test(readlinkSync(program))) return 'busybox'
  } catch {
    // It is no link, or is not there.
  }
  return existsSync(program) ? 'cron' : 'none'
}

export type Wanted = {
  readonly path: string
  /** Null: it goes away. */
  readonly text: string | null
  readonly mode: number
}

/** A file that is to be, and as it is now. */
export type Written = Wanted & { readonly before: string | null }

export function withBefore(wanted: Wanted): Written {
  return { ...wanted, before: textOf(wanted.path) }
}

/** The whole of it or nothing, also where the power fails in between. */
export function write({ path, text, mode }: Wanted): void {
  if (text === null) {
    rmSync(path, { force: true })
    return
  }
  mkdirSync(dirname(path), { recursive: true })
  // A name that neither systemd nor cron reads.
  const next = `${path}.ctfleet-new`
  writeFileSync(next, text, { mode, flush: true })
  chmodSync(next, mode)
  renameSync(next, path)
}

export type Installed = {
  readonly name: string
  readonly files: readonly { readonly path: string; readonly text: string }[]
}

/** What we wrote there, by the mark in its first line and by its name both. */
export function installedIn({ runner, folder }: Places): readonly Installed[] {
  const names = new Map<string, { path: string; text: string }[]>()
  for (const file of filesIn(folder)) {
    const pattern = runner === 'systemd' ? /^ctfleet-(.+)\.(?:service|timer)$/ : /^ctfleet-(.+)$/
    const [, name] = pattern.exec(file) ?? []
    const path = join(folder, file)
    const text = name === undefined ? null : textOf(path)
    if (name === undefined || text === null || !text.startsWith(`${markOf(name)}\n`)) continue
    names.set(name, [...(names.get(name) ?? []), { path, text }])
  }
  return [...names].map(([name, files]) => ({ name, files }))
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
