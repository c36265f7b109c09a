import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import { packageFolder } from '../input/package-folder.ts'

/** The remedies that come with ctfleet, best first: the first two cure, the last relieves. */
export const STRATEGY_NAMES = ['unload', 'notrack', 'tune'] as const

/** Where playbooks are looked up by name: the user's own folder first. */
export type Folders = { readonly own: string; readonly shipped: string }

export function standardFolders(): Folders {
  return { own: './playbooks', shipped: join(packageFolder(), 'playbooks') }
}

/**
 * The file of a playbook's name.
 * @param asker what the name was given to, for the complaint: `--strategy`
 * @throws InputError for a name that no playbook has
 */
export function findPlaybook(name: string, { own, shipped }: Folders, asker: string): string {
  const found = /^[\w-]+$/.test(name)
    ? [own, shipped].map((folder) => join(folder, `${name}.yaml`)).find((file) => existsSync(file))
    : undefined
  if (found !== undefined) return found
  const names = [...new Set([...STRATEGY_NAMES, ...namesIn(own)])]
  const known = asker === '--strategy' ? ['auto', ...names] : names
  const hint = `${didYouMean(name, known) ?? `known: ${known.join(', ')}`}\nor give the path of a playbook file`
  const message = `no strategy is called ${JSON.stringify(name)}`
  throw new InputError([{ file: asker, line: null, column: null, path: '', message, hint }])
}

/** The names of the playbooks in a folder, in the order of the alphabet; none where there is no folder. */
export function namesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : []))
  return names.toSorted()
}

/** Whether a playbook is given by its file, and not by its name. */
export function isPath(wanted: string): boolean {
  return /[\\/]|\.ya?ml$/.test(wanted)
}
