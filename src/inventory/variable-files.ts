import { type Dirent, readdirSync, realpathSync } from 'node:fs'
import { extname, join } from 'node:path'
import { isDirectory } from './paths.ts'

/** Which files beside an inventory hold variables of a group or a host, and what is in them. Finds a file once. */
export type VariableFiles = {
  /** Weakest first; none where there is none. */
  of(kind: 'group_vars' | 'host_vars', name: string): readonly string[]
}

const EXTENSIONS = ['', '.yml', '.yaml', '.json']

/**
 * The files as Ansible finds them: `group_vars/NAME`, or with `.yml`, `.yaml` or `.json` where that is not there. A directory stands
 * for all files in it, in order of their names, and in directories in it; hidden files and backups are passed over.
 */
export function variableFilesIn(directory: string): VariableFiles {
  const listed = new Map<string, ReadonlySet<string>>()
  const namesIn = (kind: string) => {
    const known = listed.get(kind) ?? new Set(entriesOf(join(directory, kind)).map(({ name }) => name))
    listed.set(kind, known)
    return known
  }
  return {
    of(kind, name) {
      const there = namesIn(kind)
      const found = EXTENSIONS.map((extension) => `${name}${extension}`).find((each) => there.has(each))
      if (found === undefined) return []
      const path = join(directory, kind, found)
      return isDirectory(path) ? filesIn(path) : [path]
    },
  }
}

function filesIn(directory: string, within: readonly string[] = []): readonly string[] {
  const here = realpathSync(directory)
  // A link may lead back up.
  if (within.includes(here)) return []
  return entriesOf(directory).flatMap(({ name }) => {
    if (name.startsWith('.') || name.endsWith('~')) return []
    const path = join(directory, name)
    const extension = extname(name)
    if (isDirectory(path)) return extension === '' ? filesIn(path, [...within, here]) : []
    return EXTENSIONS.includes(extension) ? [path] : []
  })
}

/** By code point, as Python sorts. A directory that is not there or may not be read has none, as in Ansible. */
function entriesOf(directory: string): readonly Dirent[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return []
  }
}
