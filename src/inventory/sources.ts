import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Complaint, InputError } from '../input/complaint.ts'
import { readOpened, readVariables } from './documents.ts'
import { isHostList, readHostList } from './host-list.ts'
import { isHostName } from './host-names.ts'
import { hushed } from './hushed.ts'
import { isDirectory, isRegularFile } from './paths.ts'
import type { Beside, VariableFile } from './precedence.ts'
import { programKind, readScript } from './script-inventory.ts'
import { readText } from './text-inventory.ts'
import { variableFilesIn } from './variable-files.ts'
import type { VaultPassword } from './vault.ts'
import { VAULT_PASSWORD } from './way.ts'
import { complaintAt, NOWHERE, type Variable, type Written } from './written.ts'

/** What became of reading one source, and everything in it. */
export type SourceRead = {
  /** Every file that was read. */
  readonly files: readonly string[]
  /** What programs said on stderr. */
  readonly notes: readonly string[]
  readonly complaints: readonly Complaint[]
}

/**
 * Reads an inventory into what is written already: a file, a program, a directory with any of these, or hosts named in place of
 * one. Never throws.
 */
export async function readSource(
  source: string,
  written: Written,
  passwords: readonly VaultPassword[],
  within: readonly string[] = [],
): Promise<SourceRead> {
  try {
    if (isDirectory(source)) return await readDirectory(source, written, passwords, within)
    if (!existsSync(source) && isHostList(source)) return ended([], readHostList(source, written))
    switch (programKind(source)) {
      case 'program':
        return {
          ...ended([source], []),
          notes: (await readScript(source, written)).map((line) => `${source}: ${line}`),
        }
      case 'not-executable':
        return ended(
          [source],
          [complaintAt(source, NOWHERE, [], 'is a program that may not be run', `chmod +x ${source}`)],
        )
      case 'file':
        return ended([source], readFile(source, written, passwords))
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const isName = !existsSync(source) && isHostName(source) && !/\.(?:ya?ml|json|ini|toml|txt)$/i.test(source)
    const hint = `one host by its name: '${source},' with a comma; a host of an inventory: --limit ${source}`
    return ended([source], isName ? error.complaints.map((each) => ({ ...each, hint })) : error.complaints)
  }
}

/** What `group_vars/` and `host_vars/` beside a source say of groups and hosts; with every mistake in them. */
export function readBeside(
  source: string,
  written: Written,
  passwords: readonly VaultPassword[],
): { readonly beside: Beside; readonly read: SourceRead } {
  const complaints: Complaint[] = []
  const files: string[] = []
  if (!existsSync(source)) return { beside: { groups: new Map(), hosts: new Map() }, read: ended([], []) }
  const found = variableFilesIn(isDirectory(source) ? source : dirname(source))
  const known = new Map<string, VariableFile>()

  const readOne = (file: string): VariableFile => {
    const before = known.get(file)
    if (before !== undefined) return before
    files.push(file)
    const one = variablesIn(file, passwords, complaints)
    known.set(file, one)
    return one
  }
  const all = (kind: 'group_vars' | 'host_vars', names: Iterable<string>) =>
    new Map(
      [...names]
        // A name is no path, as `../x` would be one.
        .filter((name) => !name.includes('/'))
        .map((name) => [name, found.of(kind, name).map(readOne)] as const)
        .filter(([, own]) => own.length > 0),
    )
  const beside = { groups: all('group_vars', written.groups.keys()), hosts: all('host_vars', written.hosts.keys()) }
  return { beside, read: ended(files, complaints) }
}

function variablesIn(file: string, passwords: readonly VaultPassword[], complaints: Complaint[]): VariableFile {
  if (!isRegularFile(file)) {
    complaints.push(notPlain(file))
    return { file, vars: new Map() }
  }
  try {
    const opened = readOpened(file, passwords)
    if ('sealed' in opened) return { file, sealed: opened.sealed }
    const read = readVariables(opened.text, file)
    if ('entries' in read) {
      const secret = opened.secret ? ({ secret: true } as const) : {}
      const vars = read.entries.map(({ key, value }): readonly [string, Variable] => [
        key,
        { value, path: [key], file, ...secret },
      ])
      return { file, vars: new Map(vars) }
    }
    for (const each of opened.secret ? hushed(read.complaints) : read.complaints) complaints.push(each)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    for (const each of error.complaints) complaints.push(each)
  }
  return { file, vars: new Map() }
}

async function readDirectory(
  directory: string,
  written: Written,
  passwords: readonly VaultPassword[],
  within: readonly string[],
): Promise<SourceRead> {
  const here = realpathSync(directory)
  // A link may lead back up.
  if (within.includes(here)) return ended([], [])
  const reads: SourceRead[] = []
  // By code point, as Python sorts; one after the other, since later ones win.
  for (const name of namesIn(directory)) {
    if (IGNORED.test(name)) continue
    const path = join(directory, name)
    const isReadable = isDirectory(path) || isRegularFile(path)
    reads.push(
      isReadable ? await readSource(path, written, passwords, [...within, here]) : ended([path], [notPlain(path)]),
    )
  }
  return {
    files: reads.flatMap(({ files }) => files),
    notes: reads.flatMap(({ notes }) => notes),
    complaints: reads.flatMap(({ complaints }) => complaints),
  }
}

/** Whoever names a pipe means it; one that was only found may have nobody who writes to it. */
function notPlain(file: string): Complaint {
  return complaintAt(file, NOWHERE, [], 'is no plain file', 'take it out of there')
}

/** @throws InputError where the directory may not be read. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`
    throw new InputError([complaintAt(directory, NOWHERE, [], message, null)])
  }
}

/** What Ansible passes over in a directory of inventories (INVENTORY_IGNORE_EXTS). */
const IGNORED =
  /^\.|^(?:host_vars|group_vars|vars_plugins)$|(?:\.(?:pyc|pyo|swp|bak|rpm|md|txt|rst|orig|ini|cfg|retry)|~)$/

function readFile(file: string, written: Written, passwords: readonly VaultPassword[]): readonly Complaint[] {
  const opened = readOpened(file, passwords)
  if ('text' in opened) {
    if (!opened.secret) return readText(opened.text, file, written)
    const complaints = hushed(readSecretText(opened.text, file, written))
    for (const { vars } of [...written.groups.values(), ...written.hosts.values()])
      for (const [name, variable] of vars) if (variable.file === file) vars.set(name, { ...variable, secret: true })
    return complaints
  }
  return [complaintAt(file, { line: 1, column: 1 }, [], `is a vault as a whole: ${opened.sealed}`, VAULT_PASSWORD)]
}

function readSecretText(text: string, file: string, written: Written): readonly Complaint[] {
  try {
    return readText(text, file, written)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return error.complaints
  }
}

function ended(files: readonly string[], complaints: readonly Complaint[]): SourceRead {
  return { files, notes: [], complaints }
}
