import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Complaint, InputError } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import { readTextFile } from '../input/text-file.ts'
import { parsePlaybook } from './parse.ts'
import type { Playbook, StepKind } from './playbook.ts'

/** The remedies that come with ctfleet, best first: the first two cure, the last relieves. */
const STRATEGY_NAMES = ['unload', 'notrack', 'tune'] as const

/**
 * The playbooks to judge: ours, and one more where the wish names none of them. A file `./playbooks/NAME.yaml` goes before
 * ours of the same name.
 * @param wanted `auto`, a name, or a path (with a slash, or ending in .yaml or .yml)
 * @returns the playbooks, and the name of the one wished for (`auto` for none)
 * @throws InputError for a name that no playbook has, and with every mistake in all of them
 */
export function loadPlaybooks(
  wanted: string,
  kinds: readonly StepKind[],
  folders: Folders = standardFolders(),
): { readonly playbooks: readonly Playbook[]; readonly wanted: string } {
  const complaints: Complaint[] = []
  const load = (file: string, name?: string): readonly Playbook[] => {
    try {
      return [loadPlaybook(file, kinds, name)]
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      complaints.push(...error.complaints)
      return []
    }
  }
  const isPath = /[\\/]|\.ya?ml$/.test(wanted)
  const extra = isPath ? load(wanted) : isOurs(wanted) ? [] : load(findPlaybook(wanted, folders), wanted)
  const replaced = new Set(extra.map(({ name }) => name))
  const ours = STRATEGY_NAMES.filter((name) => !replaced.has(name)).flatMap((name) =>
    load(findPlaybook(name, folders), name),
  )
  if (complaints.length > 0) throw new InputError(complaints)
  return { playbooks: [...ours, ...extra], wanted: isPath ? (extra[0]?.name ?? wanted) : wanted }
}

/** Where playbooks are looked up by name: the user's own folder first. */
export type Folders = { readonly own: string; readonly shipped: string }

function loadPlaybook(file: string, kinds: readonly StepKind[], name?: string): Playbook {
  const playbook = parsePlaybook(readTextFile(file), file, kinds)
  if (name === undefined || playbook.name === name) return playbook
  const message = `is called ${JSON.stringify(playbook.name)} in a file named for ${JSON.stringify(name)}`
  throw new InputError([
    { file, line: 1, column: 1, path: 'name', message, hint: `write \`name: ${name}\`, or rename the file` },
  ])
}

function isOurs(name: string): boolean {
  return name === 'auto' || STRATEGY_NAMES.some((each) => each === name)
}

function findPlaybook(name: string, { own, shipped }: Folders): string {
  const found = /^[\w-]+$/.test(name)
    ? [own, shipped].map((folder) => join(folder, `${name}.yaml`)).find((file) => existsSync(file))
    : undefined
  if (found !== undefined) return found
  const known = [...new Set([...STRATEGY_NAMES, ...namesIn(own)])]
  const hint = `${didYouMean(name, ['auto', ...known]) ?? `known: auto, ${known.join(', ')}`}\nor give the path of a playbook file`
  const message = `no strategy is called ${JSON.stringify(name)}`
  throw new InputError([{ file: '--strategy', line: null, column: null, path: '', message, hint }])
}

function namesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : []))
}

function standardFolders(): Folders {
  return { own: './playbooks', shipped: join(packageFolder(), 'playbooks') }
}

/** The folder of ctfleet's own package.json, seen from the source as from the bundle. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest) && /"name":\s*"ctfleet"/.test(readFileSync(manifest, 'utf8'))) return folder
    const above = dirname(folder)
    if (above === folder) throw new Error(`no package.json of ctfleet above ${fileURLToPath(import.meta.url)}`)
    folder = above
  }
}
