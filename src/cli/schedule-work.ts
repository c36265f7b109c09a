import { spawnSync } from 'node:child_process'
import { visible } from '../report/format.ts'
import { diffText } from '../report/text/diff.ts'
import { type Wanted, withBefore, write } from '../serve/places.ts'
import { makeDirectory } from '../store/make-directory.ts'
import { askToAccept } from './ask.ts'
import { complainAbout } from './checks.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

export type Command = readonly [program: string, ...words: string[]]

export type Work = {
  readonly wanted: readonly Wanted[]
  /** What tells, by ending with 0, that it runs already. */
  readonly running?: readonly Command[]
  /** Before and after the files are written; where one before it does not end well, they stay as they are. */
  readonly before?: readonly Command[]
  readonly commands: readonly Command[]
  readonly after: readonly string[]
  readonly question: string
  /** Those that have to be there, for their owner alone. */
  readonly directories?: readonly string[]
}

/** How sure the person is, and the directory that stands for `/`. */
export type Sure = { readonly yes: boolean; readonly dryRun: boolean; readonly root: string }

/** Shows all of it, asks, and does it. */
export async function carryOut(
  { wanted, running = [], before = [], commands, after: hints, question, directories = [] }: Work,
  { yes, dryRun, root }: Sure,
  { paper, print, say, canAsk }: Terminal,
): Promise<ExitCode> {
  const changes = wanted.map(withBefore).filter(({ text, before: now }) => text !== now)
  const isTrial = root !== '/'
  // Somebody may have switched it off, or what was to switch it on had failed.
  const isOn = isTrial || running.every((command) => problemOf(command).length === 0)
  if (changes.length === 0 && isOn) {
    print(['Already as wanted.'])
    return EXIT.asWanted
  }
  for (const { path, text, before: now } of changes) {
    print([
      paper.ink('strong', visible(path)),
      ...diffText(paper, '  ', { before: linesOf(now), after: linesOf(text) }),
      '',
    ])
  }
  if (changes.length === 0) print(['All is written as wanted, and it does not run.'])
  const run = isTrial ? [] : [...before, ...commands]
  if (run.length > 0) print([`then: ${run.map((words) => words.join(' ')).join('; ')}`])
  if (dryRun) return EXIT.asWanted
  if (!(await isSure(question, yes, canAsk))) {
    say(['Nothing was written.'])
    return EXIT.asWanted
  }
  const refused = isTrial ? [] : before.flatMap(problemOf)
  if (refused.length > 0) {
    say([...refused, 'The files stay as they are: it may still run.'].map(visible))
    return EXIT.someFailed
  }
  if (!isTrial) for (const directory of directories) makeDirectory(directory, 0o700)
  for (const change of changes) write(change)
  const failed = isTrial ? [] : commands.flatMap(problemOf)
  if (failed.length > 0) {
    say(failed.map(visible))
    return EXIT.someFailed
  }
  const done = changes.length === 0 ? 'It runs.' : changes.every(({ text }) => text === null) ? 'Taken away.' : null
  print([done ?? `Written${isTrial ? `, below ${root}, where nothing runs it` : ''}.`, ...hints])
  return EXIT.asWanted
}

export async function isSure(question: string, yes: boolean, canAsk: boolean): Promise<boolean> {
  if (yes) return true
  if (!canAsk)
    throw complainAbout(
      'schedule',
      'there is no terminal to ask in',
      'to go on without a question: --yes; to see it only: --dry-run',
    )
  return (await askToAccept(question)) === true
}

/** What a program did not do well, in a sentence; else nothing. */
function problemOf([program, ...words]: Command): readonly string[] {
  const { status, stderr, error } = spawnSync(program, words, { encoding: 'utf8', timeout: 60_000 })
  if (status === 0) return []
  const why = error?.message ?? stderr.trim().split('\n').at(-1) ?? ''
  return [`${[program, ...words].join(' ')} did not end well${why === '' ? '' : `: ${why}`}`]
}

export function linesOf(text: string | null): readonly string[] {
  return text === null || text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
