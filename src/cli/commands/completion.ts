import { quoted } from '../../input/complaint.ts'
import { didYouMean } from '../../input/nearest.ts'
import { complainAbout } from '../checks.ts'
import { completionScript, SHELLS } from '../completion/scripts.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Terminal } from '../terminal.ts'

/** Prints the script that a shell reads to complete ctfleet's words. @throws InputError for a shell that is none of ours */
export function completionCommand(word: string, { printText }: Terminal): ExitCode {
  const shell = SHELLS.find((each) => each === word)
  if (shell === undefined)
    throw complainAbout(
      'completion',
      `${quoted(word)} is no shell that is known here`,
      didYouMean(word, SHELLS) ?? `known: ${SHELLS.join(', ')}`,
    )
  const [node, script = ''] = process.argv
  printText(completionScript(shell, [node ?? 'node', ...process.execArgv, script]))
  return EXIT.asWanted
}
