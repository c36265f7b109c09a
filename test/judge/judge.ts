import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { corpus, NO_CORPUS } from '../firewall/corpus.ts'
import { NotAFolder } from './folder.ts'
import { reportOf } from './report.ts'
import { exitCodeFor, judgeFolder } from './verdicts.ts'

const USAGE = `npm run judge [-- FOLDER]

  Judges ctfleet's notrack patch by what real packets did. FOLDER has labels.tsv, with the columns file, port and
  verdict (and, where known, family, nat_covers_port, loads_on_…, reachable_now, NOTRACK_both, +UNTRACKED_INPUT,
  +UNTRACKED_INPUT+OUTPUT), and the rule sets that it names, as iptables-save prints them.

  Exit code: 0; 1 where ctfleet calls safe what packets show to break, or refuses too much needlessly; 2 where the
  folder is not of this form.
`

// A reader that has seen enough, such as head, is no mistake.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = main(process.argv.slice(2))

function main(words: readonly string[]): number {
  const [word, second] = words
  if (word === '--help' || word === '-h') {
    process.stdout.write(USAGE)
    return 0
  }
  if (second !== undefined || word?.startsWith('-')) return complain(USAGE.trimEnd())
  // npm starts scripts in the root of the repository, and says where it was called.
  const at = word === undefined ? corpus : resolve(process.env.INIT_CWD ?? '.', word)
  if (at === null) return complain(`${NO_CORPUS}. Next: npm run judge -- FOLDER`)
  if (statSync(at, { throwIfNoEntry: false })?.isDirectory() !== true) return complain(`${at}: not a folder`)
  try {
    const judged = judgeFolder(at)
    process.stdout.write(reportOf(at, judged))
    return exitCodeFor(judged)
  } catch (error) {
    if (error instanceof NotAFolder) return complain(error.message)
    throw error
  }
}

function complain(sentence: string): number {
  process.stderr.write(`${sentence}\n`)
  return 2
}
