#!/usr/bin/env node
import { InputError, printComplaint } from '../input/complaint.ts'
import { visible } from '../report/format.ts'
import { BrokenOff } from './broken-off.ts'
import { EXIT, type ExitCode, exitCodeWhenInterrupted, exitCodeWithoutReport } from './exit-code.ts'
import { letGoOfGoneTerminals } from './gone-terminals.ts'
import { watchSignals } from './interruption.ts'
import { runCommandLine } from './program.ts'
import { drained, openTerminal, type Terminal } from './terminal.ts'

/** Nobody mends more in one go, and the first ones are to stay on the screen. */
const MOST_COMPLAINTS = 50

const leave = () => {
  terminal.stand([])
  return exit(EXIT.interrupted)
}
const terminal = openTerminal(process, process.env, (say) => watchSignals(say, leave))
const code = await codeOf(process.argv.slice(2), terminal)
const reason = (await terminal.reportLost?.()) ?? null
if (reason !== null) terminal.say([`stdout: cannot be written: ${reason}; what was printed is not whole`])
await drained(process.stderr)
exit(reason === null ? code : exitCodeWithoutReport(code))

function exit(code: ExitCode): never {
  letGoOfGoneTerminals()
  process.exit(code)
}

async function codeOf(words: readonly string[], { say, interruption }: Terminal): Promise<ExitCode> {
  try {
    const code = await runCommandLine(words, terminal)
    return interruption.signal.aborted ? exitCodeWhenInterrupted(code) : code
  } catch (error) {
    if (interruption.signal.aborted || error instanceof BrokenOff) return EXIT.interrupted
    if (error instanceof InputError) {
      const shown = error.complaints.slice(0, MOST_COMPLAINTS)
      say(shown.flatMap((complaint) => printComplaint(complaint).split('\n').map(visible)))
      const more = error.complaints.length - shown.length
      if (more > 0) say([`and ${more} more; is this the file that was meant?`])
      return EXIT.usage
    }
    say(['This is a bug of ctfleet. Please report it with what follows.'])
    say((error instanceof Error ? (error.stack ?? error.message) : String(error)).split('\n').map(visible))
    return EXIT.bug
  }
}
