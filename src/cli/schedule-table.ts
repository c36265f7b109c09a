import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { visible } from '../report/format.ts'
import { diffText } from '../report/text/diff.ts'
import { cronTableLines, isOurs, tableWith } from '../serve/cron-table.ts'
import type { Job } from '../serve/job.ts'
import { type Installed, write } from '../serve/places.ts'
import { makeDirectory } from '../store/make-directory.ts'
import { stateDirectory } from '../store/state-directory.ts'
import { complainAbout } from './checks.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { isSure, linesOf, type Sure } from './schedule-work.ts'
import type { Terminal } from './terminal.ts'

/**
 * The lines of a user's own table of cron, which `crontab` alone reads and writes. Null: there is no cron here.
 * @throws InputError where it does not say what they are: that it is empty is an answer, and every other end is none.
 */
export function tableNow(): string | null {
  const env = { ...process.env, LC_ALL: 'C' }
  const { status, stdout, stderr, error } = spawnSync('crontab', ['-l'], { encoding: 'utf8', timeout: 60_000, env })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return null
  if (status === 0) return stdout
  if (error === undefined && stdout === '' && EMPTY.test(stderr)) return ''
  const said = error?.message ?? stderr.trim().split('\n').at(-1) ?? ''
  throw complainAbout(
    'crontab -l',
    said === '' ? `ended with ${status ?? 'nothing'}` : `said: ${visible(said)}`,
    'what is in your table is not known, so nothing is written over it',
  )
}

/** As the crons of Debian, of Red Hat and of busybox have it. */
const EMPTY = /\bno crontab for |can't open '[^'/]+': No such file/

/** What we wrote into it. */
export function installedInTable(table: string): readonly Installed[] {
  const lines = table.split('\n')
  return lines.flatMap((line, at) => {
    const [, name] = /^# Written by: ctfleet schedule install --name ([a-z0-9-]+)\./.exec(line) ?? []
    const next = lines[at + 1] ?? ''
    return name === undefined ? [] : [{ name, files: [{ path: 'crontab -l', text: isOurs(next, name) ? next : '' }] }]
  })
}

/** Puts our two lines there, after a yes; or takes them away, where `times` is null. */
export async function changeTable(
  before: string,
  {
    job,
    times,
  }: { readonly job: Pick<Job, 'name'>; readonly times: null } | { readonly job: Job; readonly times: string },
  sure: Sure,
  terminal: Terminal,
): Promise<ExitCode> {
  const after = tableWith(before, job.name, times === null ? [] : cronTableLines(job, times))
  const question = times === null ? 'Take this away?' : 'Write this into your table, and audit by cron?'
  const { yes, dryRun } = sure
  const { paper, print, say, canAsk } = terminal
  if (before === after) {
    print(['Already as wanted.'])
    return EXIT.asWanted
  }
  print([
    paper.ink('strong', 'crontab'),
    ...diffText(paper, '  ', { before: linesOf(before), after: linesOf(after) }),
    '',
  ])
  if (dryRun) return EXIT.asWanted
  if (!(await isSure(question, yes, canAsk))) {
    say(['Nothing was written.'])
    return EXIT.asWanted
  }
  const kept = join(stateDirectory(process.env, homedir()), 'crontab.before')
  makeDirectory(dirname(kept), 0o700)
  write({ path: kept, text: before, mode: 0o600 })
  const { status, stderr, error } = spawnSync('crontab', ['-'], { input: after, encoding: 'utf8', timeout: 60_000 })
  if (status === 0) {
    print([`Written. What was in it is in ${visible(kept)}.`])
    return EXIT.asWanted
  }
  say([visible(`crontab did not take it: ${error?.message ?? stderr.trim()}`)])
  return EXIT.someFailed
}
