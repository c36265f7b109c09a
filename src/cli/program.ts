import { Command, CommanderError, Help, Option } from './commander.ts'
import type { ApplyWords } from './commands/apply.ts'
import type { CleanWords } from './commands/clean.ts'
import type { ExplainWords } from './commands/explain.ts'
import type { FactsWords } from './commands/facts.ts'
import type { InventoryWords } from './commands/inventory.ts'
import type { KeysWords } from './commands/keys.ts'
import type { PlanWords } from './commands/plan.ts'
import type { ResumeWords } from './commands/resume.ts'
import type { RollbackWords } from './commands/rollback.ts'
import type { FromHostsWords } from './commands/rollback-from-hosts.ts'
import type { RunsWords } from './commands/runs.ts'
import type { ShowWords } from './commands/show.ts'
import type { VerifyWords } from './commands/verify.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import {
  APPLY_SOURCE,
  examples,
  factsOption,
  forksOption,
  formatOption,
  inventoryOption,
  limitOption,
  maxFailOption,
  onInventory,
  pauseOption,
  SOURCE,
  saveFailedOption,
  wavesOption,
  whereOption,
  withAccess,
  withSources,
  withWish,
} from './options.ts'
import { CHANGING, READING } from './parallel.ts'
import type { TargetWords } from './targets.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

/**
 * Reads the command line and does what it says. Each command's code is loaded when it is run: `--help` waits for none.
 * @param words without the program and the script
 * @throws InputError for what only the command can check
 */
export async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.asWanted
  const program = ctfleet(terminal)
  for (const command of commands(terminal, (ended) => {
    code = ended
  })) {
    program.addCommand(command.copyInheritedSettings(program))
  }
  try {
    await program.parseAsync([...words], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? EXIT.asWanted : EXIT.usage
  }
}

function ctfleet(terminal: Terminal): Command {
  return new Command('ctfleet')
    .description(
      'Finds Linux hosts whose connection-tracking table drops packets, shows what it would change,\nand changes it so that a mistake undoes itself.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help; after a command, its help')
    .helpCommand('help [command]', 'print the help of a command')
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
  4 changes pending (plan --exit-code)   70 a bug of ours     130 interrupted`,
    )
}

function rankOf(group: string): number {
  return group === 'Options:' ? 0 : 1
}

function commands(terminal: Terminal, end: (code: ExitCode) => void): readonly Command[] {
  return [
    onInventory('facts', 'read what there is to know about hosts', READING)
      .description('Reads system, connection tracking, loss and firewall of every host. Changes nothing.')
      .addOption(whereOption())
      .addOption(saveFailedOption())
      .addHelpText(
        'after',
        examples(
          'facts',
          'facts hosts.yaml --limit db',
          "facts --where 'conntrack.usage > 0.8'",
          'facts --format json > facts.json',
        ),
      )
      .action(async (inventory: string | undefined, options: FactsWords & Named) => {
        const { factsCommand } = await import('./commands/facts.ts')
        end(await factsCommand(withInventory(inventory, options), terminal))
      }),

    withWish(onInventory('explain', 'say why, and what each strategy would change', READING))
      .description(
        'Says for every host what was found, what each strategy says to it and which rule or module decided, what it would change in entries and memory, and how sure that is. Changes nothing.',
      )
      .addOption(factsOption())
      .addHelpText(
        'after',
        examples(
          'explain --limit web-1',
          'explain --ports 8080 --format json',
          'explain --strategy ./playbooks/mine.yaml',
          'explain --facts facts.json --limit web-1',
        ),
      )
      .action(async (inventory: string | undefined, options: ExplainWords & Named) => {
        const { explainCommand } = await import('./commands/explain.ts')
        end(await explainCommand(withInventory(inventory, options), terminal))
      }),

    withWish(onInventory('plan', 'show what would be changed, and why', READING))
      .description('Diagnoses every host, chooses a remedy for each, and shows each change. Changes nothing.')
      .option('-o, --output <file>', 'save the plan, exact scripts and all, for show and apply')
      .option('--exit-code', 'end with 4 where changes are pending', false)
      .addOption(factsOption())
      .addOption(saveFailedOption())
      .addHelpText(
        'after',
        examples(
          'plan',
          "plan --limit 'web:!web-3' -o plan.json",
          'plan --strategy notrack --ports 80,443/tcp,53/udp',
          'plan --facts facts.json',
        ),
      )
      .action(async (inventory: string | undefined, options: PlanWords & Named) => {
        const { planCommand } = await import('./commands/plan.ts')
        end(await planCommand(withInventory(inventory, options), terminal))
      }),

    withAccess(new Command('show'))
      .summary('print a saved plan or a run')
      .description(
        'Prints a plan that was saved with plan -o, as it will be applied, or a run: what was planned, what became of it, and who asked. With a host of the run: the journal that the host has of it, and the script that takes it back there. Changes nothing.',
      )
      .argument('<plan|run>', 'the file, or the id of a run, the beginning of it, or last')
      .argument('[host]', 'a host of the run, which is asked for its journal')
      .option('--scripts', 'with the exact scripts that would run, or ran', false)
      .addOption(formatOption())
      .addHelpText(
        'after',
        examples('show plan.json', 'show plan.json --scripts | less', 'show last', 'show 20261126-0942-7f3a web-1'),
      )
      .action(async (what: string, host: string | undefined, options: Omit<ShowWords, 'what' | 'host'>) => {
        const { showCommand } = await import('./commands/show.ts')
        end(await showCommand({ ...options, what, host }, terminal))
      }),

    withWish(onInventory('apply', 'change hosts, after a yes for each', CHANGING, '[inventory|plan]', APPLY_SOURCE))
      .description(
        'Plans (or takes a saved plan), shows each change, asks, applies, and checks over a new connection.\nA change that is not confirmed takes itself back.',
      )
      .option('-y, --yes', 'ask nothing: yes to every host', false)
      .option(
        '--accept-session-loss',
        'yes, beforehand, to every plan that may break sessions when it is taken back (else it is asked for each; --yes alone skips them)',
        false,
      )
      .option('--confirm-within <time>', 'how long a host waits for the confirmation before it undoes', '60s')
      .option('--for <time>', 'first aid: the change takes itself back after this time, 1m to 7d, and writes no files')
      .addOption(wavesOption('1,10%,50%,100%, or 1,100% for fewer than 10 hosts'))
      .addOption(maxFailOption('none in the first wave, then 10%, but at least 1'))
      .addOption(pauseOption('5s'))
      .addOption(saveFailedOption())
      .addHelpText(
        'after',
        examples(
          'apply plan.json',
          'apply --limit web-1 --strategy tune',
          'apply --waves 1,10,100% --max-fail 2 --pause 1m',
          'apply --for 2h --strategy tune',
          'apply --yes --format json',
        ),
      )
      .action(async (inventory: string | undefined, options: ApplyWords & Named) => {
        const { applyCommand } = await import('./commands/apply.ts')
        end(await applyCommand(withInventory(inventory, options), terminal))
      }),

    withAccess(new Command('rollback'))
      .summary('take an applied run back')
      .description(
        'Takes back what a run applied, host by host, and checks that each is as it was before. With --from-hosts the hosts themselves say what was applied to them, and all of it is taken back, newest first, or with a run what that one did.',
      )
      .argument('[run]', 'its id, the beginning of it, or last')
      .option('--from-hosts <inventory>', 'ask these hosts what was applied to them; no record of it is needed here')
      .addOption(limitOption())
      .option('-y, --yes', 'ask nothing: yes to every host', false)
      .addOption(formatOption())
      .addOption(forksOption(CHANGING))
      .addOption(wavesOption('100%'))
      .addOption(maxFailOption('100%'))
      .addOption(pauseOption('0s', ''))
      .addHelpText(
        'after',
        examples(
          'rollback last',
          'rollback 20261126-0942-7f3a --limit web-1',
          'rollback --from-hosts inventory.yaml --limit web-1',
        ),
      )
      .action(async (run: string | undefined, options: Omit<RollbackWords, 'run'> & Partial<FromHostsWords>) => {
        const { fromHosts } = options
        if (fromHosts !== undefined) {
          const { rollbackFromHostsCommand } = await import('./commands/rollback-from-hosts.ts')
          end(await rollbackFromHostsCommand({ ...options, fromHosts, run }, terminal))
          return
        }
        const { rollbackCommand } = await import('./commands/rollback.ts')
        end(await rollbackCommand({ ...options, run }, terminal))
      }),

    withAccess(new Command('resume'))
      .summary('close a run that was cut off')
      .description(
        'Asks every host of a run whose end nobody knows how it stands, and brings it to exactly before or exactly after: what was confirmed is kept, an undo that was begun is finished, everything else is taken back. Asks no questions.',
      )
      .argument('<run>', 'its id, the beginning of it, or last')
      .addOption(limitOption())
      .addOption(formatOption())
      .addOption(forksOption(CHANGING))
      .addHelpText('after', examples('resume last', 'resume 20261126-0942-7f3a --limit web-1'))
      .action(async (run: string, options: Omit<ResumeWords, 'run'>) => {
        const { resumeCommand } = await import('./commands/resume.ts')
        end(await resumeCommand({ ...options, run }, terminal))
      }),

    withAccess(new Command('verify'))
      .summary('look whether what was applied is in force')
      .description(
        'Reads every change that a run applied again, or of an inventory what was applied to each host last. Changes nothing. Ends with 1 where something is not in force.',
      )
      .argument('[run|inventory]', `the id of a run, the beginning of it, or last; or ${SOURCE}`)
      .addOption(inventoryOption())
      .option('--after-reboot', 'the host must have been restarted since the change', false)
      .addOption(limitOption())
      .addOption(formatOption())
      .addOption(forksOption(READING))
      .addHelpText('after', examples('verify last', 'verify inventory.yaml --limit web --after-reboot'))
      .action(async (what: string | undefined, options: Omit<VerifyWords, 'what'>) => {
        const { verifyCommand } = await import('./commands/verify.ts')
        end(await verifyCommand({ ...options, what }, terminal))
      }),

    onInventory('clean', 'remove what ctfleet keeps on hosts', CHANGING)
      .description(
        'Removes journals, undo scripts, staged files and locks that ctfleet left on hosts, after a yes for each. What was changed stays, and ctfleet cannot take it back any more. A transaction that is under way is left alone.',
      )
      .option('-y, --yes', 'ask nothing: yes to every host', false)
      .option('--needs-hands', 'also of changes that could not be taken back whole', false)
      .addHelpText('after', examples('clean', 'clean inventory.yaml --limit web-1'))
      .action(async (inventory: string | undefined, options: CleanWords & Named) => {
        const { cleanCommand } = await import('./commands/clean.ts')
        end(await cleanCommand(withInventory(inventory, options), terminal))
      }),

    withSources(new Command('inventory'))
      .summary('show what an inventory says, and how each host is reached')
      .description(
        'Shows what was understood of an inventory and of ssh_config: files, groups, hosts and the ways to them, and which hosts are set aside and why. Contacts nobody. Ends with 1 where a host is set aside.',
      )
      .argument('[inventory]', SOURCE)
      .addOption(inventoryOption())
      .addOption(
        new Option('--graph', 'groups in groups and their hosts, as ansible-inventory draws them').default(false),
      )
      .addOption(new Option('--list', 'JSON in the form of ansible-inventory --list').default(false).conflicts('graph'))
      .addOption(
        new Option('--host <name>', 'one host: how it is reached, and where each value of it is written').conflicts([
          'graph',
          'list',
          'limit',
        ]),
      )
      .addOption(limitOption())
      .addOption(formatOption())
      .addHelpText('after', examples('inventory', 'inventory --graph', 'inventory hosts.ini --host web-1'))
      .action(async (inventory: string | undefined, options: InventoryWords & Named) => {
        const { inventoryCommand } = await import('./commands/inventory.ts')
        end(await inventoryCommand(withInventory(inventory, options), terminal))
      }),

    onInventory('keys', "show hosts' keys, and write down the new ones", READING)
      .description(
        'Shows the key fingerprints of every host, and of the hosts in between, without a login, and writes new ones to known_hosts after a yes for each. A changed key is shown, and never written.',
      )
      .option('-y, --yes', 'ask nothing: write all new keys down', false)
      .addHelpText('after', examples('keys', 'keys inventory.yaml --limit web', 'keys --format json', 'keys --yes'))
      .action(async (inventory: string | undefined, options: KeysWords & Named) => {
        const { keysCommand } = await import('./commands/keys.ts')
        end(await keysCommand(withInventory(inventory, options), terminal))
      }),

    new Command('runs')
      .summary('list what was applied and taken back from here')
      .description('Lists runs, newest first. They are kept under CTFLEET_STATE, or ~/.local/state/ctfleet.')
      .addOption(formatOption())
      .addHelpText('after', examples('runs', 'runs --format json'))
      .action(async (options: RunsWords) => {
        const { runsCommand } = await import('./commands/runs.ts')
        end(await runsCommand(options, terminal))
      }),
  ]
}

/** The inventory as an option, beside the argument: both are fine. */
type Named = { readonly inventory?: string }

function withInventory<T extends TargetWords>(inventory: string | undefined, options: T & Named): T {
  return { ...options, inventory, inventoryOption: options.inventory }
}
