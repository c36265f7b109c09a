import { Command } from './commander.ts'
import type { ApplyWords } from './commands/apply.ts'
import type { CleanWords } from './commands/clean.ts'
import type { ResumeWords } from './commands/resume.ts'
import type { RollbackWords } from './commands/rollback.ts'
import type { FromHostsWords } from './commands/rollback-from-hosts.ts'
import type { VerifyWords } from './commands/verify.ts'
import type { ExitCode } from './exit-code.ts'
import {
  APPLY_SOURCE,
  examples,
  forksOption,
  formatOption,
  inventoryOption,
  limitOption,
  maxFailOption,
  type Named,
  onInventory,
  pauseOption,
  SOURCE,
  saveFailedOption,
  wavesOption,
  withAccess,
  withInventory,
  withWish,
} from './options.ts'
import { CHANGING, READING } from './parallel.ts'
import type { Terminal } from './terminal.ts'

type End = (code: ExitCode) => void

/** The commands that change hosts, and those that see a change through. */
export function makeChanges(terminal: Terminal, end: End): readonly Command[] {
  return [
    apply(terminal, end),
    rollback(terminal, end),
    resume(terminal, end),
    verify(terminal, end),
    clean(terminal, end),
  ]
}

function apply(terminal: Terminal, end: End): Command {
  return withWish(
    onInventory('apply', 'change hosts, after a yes for each', CHANGING, '[inventory|plan]', APPLY_SOURCE),
  )
    .description(
      'Plans (or takes a saved plan), shows each change, asks, applies, and checks over a new connection.\nA change that is not confirmed takes itself back.',
    )
    .option('-y, --yes', 'ask nothing: yes to every host', false)
    .option(
      '--approve-file <file>',
      'ask nothing: yes to the plans whose ids stand in it, one a line with a comment, and no to all others; with a saved plan',
    )
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
        'apply plan.json --approve-file approved.txt --events events.jsonl',
        'apply --limit web-1 --strategy tune',
        'apply --waves 1,10,100% --max-fail 2 --pause 1m',
        'apply --for 2h --strategy tune',
        'apply --yes --format json',
      ),
    )
    .action(async (inventory: string | undefined, options: ApplyWords & Named) => {
      const { applyCommand } = await import('./commands/apply.ts')
      end(await applyCommand(withInventory(inventory, options), terminal))
    })
}

function rollback(terminal: Terminal, end: End): Command {
  return withAccess(new Command('rollback'))
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
    })
}

function resume(terminal: Terminal, end: End): Command {
  return withAccess(new Command('resume'))
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
    })
}

function verify(terminal: Terminal, end: End): Command {
  return withAccess(new Command('verify'))
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
    })
}

function clean(terminal: Terminal, end: End): Command {
  return onInventory('clean', 'remove what ctfleet keeps on hosts', CHANGING)
    .description(
      'Removes journals, undo scripts, staged files and locks that ctfleet left on hosts, after a yes for each. What was changed stays, and ctfleet cannot take it back any more. A transaction that is under way is left alone.',
    )
    .option('-y, --yes', 'ask nothing: yes to every host', false)
    .option('--needs-hands', 'also of changes that could not be taken back whole', false)
    .addHelpText('after', examples('clean', 'clean inventory.yaml --limit web-1'))
    .action(async (inventory: string | undefined, options: CleanWords & Named) => {
      const { cleanCommand } = await import('./commands/clean.ts')
      end(await cleanCommand(withInventory(inventory, options), terminal))
    })
}
