import { Command, Option } from './commander.ts'
import type { InstallWords } from './commands/schedule.ts'
import type { ServeWords } from './commands/serve.ts'
import type { ExitCode } from './exit-code.ts'
import { examples, forksOption, inventoryOption, limitOption, SOURCE, withAccess } from './options.ts'
import { READING } from './parallel.ts'
import type { Terminal } from './terminal.ts'

/** The commands that go on looking when nobody looks. */
export function keepWatch(terminal: Terminal, end: (code: ExitCode) => void): readonly Command[] {
  return [serve(terminal, end), schedule(terminal, end)]
}

type Named = { readonly inventory?: string }

function serve(terminal: Terminal, end: (code: ExitCode) => void): Command {
  const command = withAccess(new Command('serve'))
    .summary('audit hosts again and again, and tell what changed')
    .description(
      'Audits hosts whenever it is time, keeps each audit on record, shows metrics, and tells a command or a webhook what changed since the audit before. Changes nothing on hosts. Several at once on one record make each audit once. Ends with SIGTERM or Ctrl-C.',
    )
  return withWatch(withWhen(withWhat(command)))
    .addHelpText(
      'after',
      examples(
        'serve --every 6h',
        "serve --cron '30 2 * * *' --timezone Europe/Berlin --jitter 5m",
        'serve --every 1h --notify-command ./tell-us',
        'serve --every 1h --webhook https://alerts.example.com/ctfleet --webhook-secret-file hook.secret',
        'serve --once --policy policy.yaml',
      ),
    )
    .action(async (inventory: string | undefined, options: ServeWords & Named) => {
      const { serveCommand } = await import('./commands/serve.ts')
      end(await serveCommand({ ...options, inventory, inventoryOption: options.inventory }, terminal))
    })
}

function schedule(terminal: Terminal, end: (code: ExitCode) => void): Command {
  const parent = new Command('schedule')
    .summary("have audits made by this machine's timer")
    .description(
      'Writes a timer of systemd, or a line for cron where there is no systemd, that audits hosts again and again; shows it first, and takes it away again.',
    )
    .addHelpText('after', examples('schedule install --every 6h', 'schedule list', 'schedule remove web-3fa9c2'))
  const install = withWhat(withAccess(parent.command('install')))
    .summary('write a timer and a service, after a yes')
    .description(
      'Shows the files first, and asks. The service may do little on this machine but read keys and write the record. Passwords have to come from files: nobody is there to type them.',
    )
    .option('--name <name>', 'of the schedule, and in the names of its files (default: by the inventory)')
    .option('--no-catch-up', 'make no audit for the times that passed while the machine was off')
  withTrial(withNotify(withWhen(install, '1m')))
    .addHelpText(
      'after',
      examples(
        'schedule install --every 6h',
        "schedule install --cron '30 2 * * MON-FRI' --timezone Europe/Berlin --policy policy.yaml",
        'schedule install --every 1h --notify-command /usr/local/bin/tell-us --own',
        'schedule install --every 6h --dry-run',
      ),
    )
    .action(async (inventory: string | undefined, options: InstallWords & Named) => {
      const { installCommand } = await import('./commands/schedule.ts')
      end(await installCommand({ ...options, inventory, inventoryOption: options.inventory }, terminal))
    })
  parent
    .command('list')
    .summary('what is scheduled here')
    .description("Lists the schedules that install wrote, this machine's and your own, and their files.")
    .addOption(rootOption())
    .addHelpText('after', examples('schedule list'))
    .action(async (options: { readonly root: string }) => {
      const { listCommand } = await import('./commands/schedule.ts')
      end(listCommand(options, terminal))
    })
  withTrial(parent.command('remove'))
    .summary('take a schedule away, after a yes')
    .description(
      'Shows the files that install wrote, asks, stops the timer, and removes them. What is on record stays.',
    )
    .argument('<name>', 'as list shows it')
    .addHelpText('after', examples('schedule list', 'schedule remove web-3fa9c2'))
    .action(async (name: string, options: Pick<InstallWords, 'own' | 'root' | 'yes' | 'dryRun'>) => {
      const { removeCommand } = await import('./commands/schedule.ts')
      end(await removeCommand(name, options, terminal))
    })
  return parent
}

function withTrial(command: Command): Command {
  return command
    .option('--own', "of your own, in place of the machine's: needs no root", false)
    .option('-y, --yes', 'ask nothing', false)
    .option('--dry-run', 'show the files, and write nothing', false)
    .addOption(rootOption())
}

function rootOption(): Option {
  return new Option('--root <dir>', 'a directory that stands for /, where nothing is run').default('/').hideHelp()
}

/** What is audited, and by which rules. */
function withWhat(command: Command): Command {
  return command
    .argument('[inventory]', SOURCE)
    .addOption(inventoryOption())
    .addOption(limitOption())
    .option('--policy <file>', 'thresholds, rules off or of your own, and waivers, in YAML')
    .option('--no-drift', 'do not ask hosts whether what ctfleet applied last is in force, and who changed it')
    .addOption(forksOption(READING))
}

const WHEN = 'When:'
const TELLING = 'Who is told:'

function withWhen(command: Command, jitter?: string): Command {
  const when = (flags: string, text: string) => new Option(flags, text).helpGroup(WHEN)
  return command
    .addOption(when('--every <time>', 'an audit every 30m, 6h or 1d, counted from midnight UTC'))
    .addOption(when('--cron <expression>', 'at these times: minute, hour, day of month, month, day of week'))
    .addOption(when('--timezone <zone>', 'the zone that they are in: Europe/Berlin (default: that of this machine)'))
    .addOption(
      when(
        '--jitter <time>',
        `begin each up to so much later, so that not all begin at once${jitter === undefined ? ' (default: 0s)' : ''}`,
      ).default(jitter),
    )
}

function withWatch(command: Command): Command {
  const when = (flags: string, text: string) => new Option(flags, text).helpGroup(WHEN)
  return withNotify(command)
    .addOption(when('--no-catch-up', 'make no audit for the times that passed while nobody was there'))
    .addOption(when('--once', 'one audit, now, for a timer of your own; ends with the codes of audit'))
    .addOption(when('--name <name>', 'the schedule: those of the same name share the work (default: by the inventory)'))
    .addOption(
      when('--lease <time>', 'how long an audit is left to a process that gives no sign of life').default('2m'),
    )
    .addOption(
      new Option('--listen <address>', 'where /metrics and /healthz are, or none')
        .default('127.0.0.1:9477')
        .helpGroup('For programs:'),
    )
}

function withNotify(command: Command): Command {
  const telling = (flags: string, text: string) => new Option(flags, text).helpGroup(TELLING)
  return command
    .addOption(
      telling('--notify-command <program>', 'run it with what changed as JSON on stdin; or shell:COMMAND, read by sh'),
    )
    .addOption(telling('--webhook <url>', 'post it there, signed'))
    .addOption(telling('--webhook-secret-file <file>', 'what it is signed with, in a file that only you can read'))
    .addOption(telling('--webhook-insecure', 'also by http to another machine'))
}
