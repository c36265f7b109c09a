import { InputError, together } from '../input/complaint.ts'
import { readTextFile } from '../input/text-file.ts'
import { type Folders, findPlaybook, isPath, STRATEGY_NAMES, standardFolders } from './folders.ts'
import { parsePlaybook } from './parse.ts'
import type { Playbook, StepKind } from './playbook.ts'

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
  const wrong: InputError[] = []
  const load = (file: string, name?: string): readonly Playbook[] => {
    try {
      return [loadPlaybook(file, kinds, name)]
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      wrong.push(error)
      return []
    }
  }
  const byPath = isPath(wanted)
  const extra = byPath ? load(wanted) : isOurs(wanted) ? [] : load(findPlaybook(wanted, folders, '--strategy'), wanted)
  const replaced = new Set(extra.map(({ name }) => name))
  const ours = STRATEGY_NAMES.filter((name) => !replaced.has(name)).flatMap((name) =>
    load(findPlaybook(name, folders, '--strategy'), name),
  )
  if (wrong.length > 0) throw together(wrong)
  return { playbooks: [...ours, ...extra], wanted: byPath ? (extra[0]?.name ?? wanted) : wanted }
}

/**
 * One playbook's file.
 * @param name what it must be called, where it was found by its name
 * @throws InputError with every mistake in it
 */
export function loadPlaybook(file: string, kinds: readonly StepKind[], name?: string): Playbook {
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
