import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { InputError, together } from '../../input/complaint.ts'
import { readTextFile } from '../../input/text-file.ts'
import { findPlaybook, isPath, namesIn, standardFolders } from '../../playbook/folders.ts'
import { isJudgedAlways, listPlaybooks } from '../../playbook/listing.ts'
import { loadPlaybook } from '../../playbook/load.ts'
import { visible } from '../../report/format.ts'
import { playbooksJson } from '../../report/json/playbooks.ts'
import { jsonText } from '../../report/json/text.ts'
import { playbooksText, playbookText } from '../../report/text/playbooks.ts'
import { STEP_KINDS } from '../../steps/catalog.ts'
import { formatFrom } from '../arguments.ts'
import { complainAbout } from '../checks.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Terminal } from '../terminal.ts'

/** Playbooks that can be asked for by name; one with mistakes is listed all the same. */
export function playbookListCommand(
  words: { readonly format: string },
  { print, printText, paper }: Terminal,
): ExitCode {
  const format = formatFrom(words.format)
  const listed = listPlaybooks(STEP_KINDS)
  if (format === 'json') printText(jsonText(playbooksJson(listed, isJudgedAlways)))
  else print(playbooksText(paper, listed, isJudgedAlways))
  return listed.some(({ playbook }) => playbook === null) ? EXIT.someFailed : EXIT.asWanted
}

/**
 * One playbook in words, and its file.
 * @throws InputError for a name that none has, and with every mistake in it
 */
export function playbookShowCommand(
  wanted: string,
  { source }: { readonly source: boolean },
  { print, paper }: Terminal,
): ExitCode {
  const file = isPath(wanted) ? wanted : findPlaybook(wanted, standardFolders(), 'playbook show')
  const text = readTextFile(file)
  // A playbook with mistakes is to be seen, too.
  if (source) print(text.replace(/\n$/, '').split('\n').map(visible))
  else print(playbookText(paper, loadPlaybook(file, STEP_KINDS), text))
  return EXIT.asWanted
}

/**
 * Says of each file whether a host could be judged by it.
 * @param files none: all of ./playbooks
 * @throws InputError with every mistake in all of them, once those that are fine are named
 */
export function playbookCheckCommand(files: readonly string[], { print, say }: Terminal): ExitCode {
  const wrong: InputError[] = []
  const { own } = standardFolders()
  for (const file of files.length > 0 ? files : allOf(own)) {
    try {
      const { name, steps } = loadPlaybook(file, STEP_KINDS)
      print([visible(`${file}: fine (${name}, ${steps.length === 1 ? '1 step' : `${steps.length} steps`})`)])
      say(howFound(file, name, own))
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      wrong.push(error)
    }
  }
  if (wrong.length > 0) throw together(wrong)
  return EXIT.asWanted
}

function allOf(own: string): readonly string[] {
  const files = namesIn(own).map((name) => `${own}/${name}.yaml`)
  if (files.length > 0) return files
  const message = existsSync(own) ? 'holds no playbook' : 'no such directory, and no file is named'
  throw complainAbout(own, message, 'name the files: ctfleet playbook check FILE…')
}

/** In the folder where names are looked up a file's name is the playbook's, or it is not found by it. */
function howFound(file: string, name: string, own: string): readonly string[] {
  if (resolve(file, '..') !== resolve(own) || basename(file) === `${name}.yaml`) return []
  return [visible(`${file}: --strategy ${name} does not find it: call the file ${name}.yaml, or give its path`)]
}
