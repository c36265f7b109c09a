import { Command, Option } from './commander.ts'
import type { SweepWords } from './commands/history-sweep.ts'
import type { ReportWords } from './commands/report.ts'
import type { RunsWords } from './commands/runs.ts'
import type { ShowWords } from './commands/show.ts'
import type { TrendWords } from './commands/trend.ts'
import type { ExitCode } from './exit-code.ts'
import { examples, formatOption, withAccess } from './options.ts'
import type { Terminal } from './terminal.ts'

type End = (code: ExitCode) => void

/** The commands that tell of the past, from the record; one host of a run is asked for its journal where `show` names it. */
export function lookBack(terminal: Terminal, end: End): readonly Command[] {
  return [show(terminal, end), report(terminal, end), runs(terminal, end), trend(terminal, end), history(terminal, end)]
}

function show(terminal: Terminal, end: End): Command {
  return withAccess(new Command('show'))
    .summary('print a saved plan, a run or an audit')
    .description(
      'Prints a plan that was saved with plan -o, as it will be applied, or a run: what was planned, what became of it, and who asked; or an audit that is on record. With a host of the run: the journal that the host has of it, and the script that takes it back there. Changes nothing.',
    )
    .argument('<plan|run|audit>', 'the file, or the id of a run or an audit, the beginning of it, or last (run)')
    .argument('[host]', 'a host of the run, which is asked for its journal')
    .option('--full', 'all of the evidence, and of what differs', false)
    .option('--scripts', 'with the exact scripts that would run, or ran', false)
    .option('--audit', 'what is named is an audit; the last one is not a run then', false)
    .addOption(formatOption('text, json or markdown (of a saved plan)'))
    .addHelpText(
      'after',
      examples(
        'show plan.json',
        'show plan.json --scripts | less',
        'show last',
        'show 20261126-0942-7f3a web-1',
        'show --audit last',
      ),
    )
    .action(async (what: string, host: string | undefined, options: Omit<ShowWords, 'what' | 'host'>) => {
      const { showCommand } = await import('./commands/show.ts')
      end(await showCommand({ ...options, what, host }, terminal))
    })
}

function report(terminal: Terminal, end: End): Command {
  return new Command('report')
    .summary('tell a run, for a review, a ticket, a pipeline or a collector')
    .description(
      'Tells a run from its record: what was wrong, what was done, what was tested, who approved, how each host ended. As text, JSON, Markdown, JUnit XML, one HTML file, or metrics for a textfile collector. Contacts nobody.',
    )
    .argument('<run>', 'its id, the beginning of it, or last')
    .addOption(
      new Option(
        '--format <format>',
        "text, json, markdown, junit, html or prometheus (default: by the file's ending, else text)",
      ),
    )
    .option('-o, --output <file>', 'write it there; .txt .html .md .xml .json .prom say the format')
    .addHelpText(
      'after',
      examples('report last', 'report last -o incident.html', 'report 20261126-0942-7f3a --format markdown'),
    )
    .action(async (run: string, options: Omit<ReportWords, 'run'>) => {
      const { reportCommand } = await import('./commands/report.ts')
      end(await reportCommand({ ...options, run }, terminal))
    })
}

function runs(terminal: Terminal, end: End): Command {
  return new Command('runs')
    .summary('list what was applied and taken back from here, or what was audited')
    .description(
      'Lists runs, newest first, and on how many hosts each still stands; or audits. They are kept under CTFLEET_STATE, or ~/.local/state/ctfleet.',
    )
    .option('--audits', 'list audits in their place', false)
    .addOption(formatOption())
    .addHelpText('after', examples('runs', 'runs --audits', 'runs --format json'))
    .action(async (options: RunsWords) => {
      const { runsCommand } = await import('./commands/runs.ts')
      end(await runsCommand(options, terminal))
    })
}

function trend(terminal: Terminal, end: End): Command {
  return new Command('trend')
    .summary('show how full tables were over time, and when they will be full')
    .description(
      'Shows usage, drops and a forecast for every host of which readings are on record; with a host, all that its forecast rests on. Readings are kept by audit, facts, explain, plan, apply and serve. Contacts nobody.',
    )
    .argument('[host]', 'one host, in detail')
    .addOption(new Option('-i, --inventory <inventory>', 'only hosts of this inventory (default: all on record)'))
    .option('--since <time>', 'how far to look back: 12h, 30d', '30d')
    .addOption(formatOption())
    .addHelpText('after', examples('trend', 'trend web-1', 'trend -i inventory.yaml --since 90d --format json'))
    .action(async (host: string | undefined, options: Omit<TrendWords, 'host'> & { readonly inventory?: string }) => {
      const { trendCommand } = await import('./commands/trend.ts')
      end(await trendCommand({ ...options, host, inventoryOption: options.inventory }, terminal))
    })
}

function history(terminal: Terminal, end: End): Command {
  const parent = new Command('history')
    .summary('keep the record small')
    .description('Removes what is old from the record of runs, audits and readings.')
    .addHelpText('after', examples('history sweep'))
  parent
    .command('sweep')
    .summary('remove what is old from the record')
    .description(
      'Removes runs after 400 days, audits after 180, readings after 90, and of readings all but the peak of each hour after 7 days, of each day after 30. What still stands or is open stays. ctfleet does this by itself about once a day.',
    )
    .addOption(new Option('--older-than <time>', 'nothing older stays: 90d'))
    .addHelpText('after', examples('history sweep', 'history sweep --older-than 90d'))
    .action(async (options: SweepWords) => {
      const { historySweepCommand } = await import('./commands/history-sweep.ts')
      end(await historySweepCommand(options, terminal))
    })
  return parent
}
