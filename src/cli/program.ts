import { askedHelp } from './asked-help.ts'
import { Command, CommanderError, Help } from './commander.ts'
import { COMPLETE } from './completion/word.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { firstSteps } from './first-steps.ts'
import { keepWatch } from './keep-watch.ts'
import { knowHosts } from './know-hosts.ts'
import { lookAtHosts } from './look-at-hosts.ts'
import { lookBack } from './look-back.ts'
import { makeChanges } from './make-changes.ts'
import { examples } from './options.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

/**
 * Reads the command line and does what it says. Each command's code is loaded when it is run: `--help` waits for none.
 * @param words without the program and the script
 * @throws InputError for what only the command can check
 */
export async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.asWanted
  const program = commandLine(terminal, (ended) => {
    code = ended
  })
  if (words[0] === COMPLETE) {
    const { completeCommand } = await import('./commands/complete.ts')
    return await completeCommand(program, words.slice(1), terminal)
  }
  program.hook('preAction', async (_, command) => {
    const { events } = command.opts<{ readonly events?: string }>()
    if (events !== undefined) await terminal.events?.open(events)
  })
  try {
    await program.parseAsync([...askedHelp(program, words)], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? EXIT.asWanted : EXIT.usage
  } finally {
    await terminal.events?.close()
  }
}

/** Every command with its arguments and options. @param end hears how a command ended. */
export function commandLine(terminal: Terminal, end: (code: ExitCode) => void): Command {
  const program = ctfleet(terminal)
  for (const command of commands(terminal, end)) {
    program.addCommand(command.copyInheritedSettings(program))
    for (const inner of command.commands) inner.copyInheritedSettings(command)
  }
  return program
}

function ctfleet(terminal: Terminal): Command {
  return new Command('ctfleet')
    .description(
      'Finds Linux hosts whose connection-tracking table drops packets, shows what it would change,\nand changes it so that a mistake undoes itself.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help; after a command, its help')
    .addHelpCommand(new Command('help').argument('[command]').summary('print the help of a command').helpGroup('Help:'))
    .showHelpAfterError('(--help shows what there is)')
    .configureOutput({
      writeOut: terminal.printText,
      writeErr: (text) => terminal.say(text.trimEnd().split('\n')),
      getOutHelpWidth: () => Math.min(terminal.paper.columns, 100),
      getErrHelpWidth: () => Math.min(terminal.notices.columns, 100),
    })
    .configureHelp({
      // What a command does comes before how it gets to hosts.
      groupItems: (all, visible, groupOf) =>
        new Help().groupItems(
          all.toSorted((a, b) => rankOf(groupOf(a)) - rankOf(groupOf(b))),
          visible,
          groupOf,
        ),
    })
    .exitOverride()
    .addHelpText(
      'after',
      examples(
        'init web-1 web-2',
        'doctor --limit web-1',
        'facts',
        'explain --limit web-1',
        'plan',
        'plan --limit web -o plan.json',
        'apply plan.json',
        'rollback last',
        'resume last',
        'inventory --graph',
        'runs',
      ),
    )
    .addHelpText(
      'after',
      `
Exit codes:
  0 as wanted     1 some host failed     2 usage or input     3 some host needs hands
  4 changes pending (plan --exit-code), or findings (audit)
  70 a bug of ours     130 interrupted`,
    )
}

function rankOf(group: string): number {
  return group === 'Options:' ? 0 : 1
}

function commands(terminal: Terminal, end: (code: ExitCode) => void): readonly Command[] {
  const groups = {
    'Look at hosts, and change nothing:': lookAtHosts,
    'Change hosts, and take it back:': makeChanges,
    'Look back:': lookBack,
    'Keep watch:': keepWatch,
    'Know which hosts there are:': knowHosts,
    'Begin:': firstSteps,
  }
  return Object.entries(groups).flatMap(([title, group]) =>
    group(terminal, end).map((command) => command.helpGroup(title)),
  )
}
