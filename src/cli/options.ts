import { Command, Option } from './commander.ts'

/** Arguments and options that several commands share, and their words in `--help`. */
export const SOURCE = 'an inventory (default: CTFLEET_INVENTORY, else ./inventory.yaml)'
export const APPLY_SOURCE =
  'a plan that plan -o saved, or an inventory\n(default: CTFLEET_INVENTORY, else ./inventory.yaml)'

export function onInventory(
  name: string,
  summary: string,
  forks: number,
  argument = '[inventory]',
  source = SOURCE,
): Command {
  return new Command(name)
    .summary(summary)
    .argument(argument, source)
    .option('-i, --inventory <file>', 'the same, as an option')
    .addOption(limitOption())
    .addOption(formatOption())
    .addOption(forksOption(forks))
}

export function withWish(command: Command): Command {
  return command
    .option(
      '-s, --strategy <name>',
      'auto, unload, notrack, tune, or a playbook of yours: a name or a file (default: auto)',
    )
    .option(
      '--ports <list>',
      'the ports that notrack may take out of tracking: 80,443/tcp,53/udp; 443@forward: flows that the host forwards there',
    )
    .option('--near-full <percent>', 'from where on a table counts as near full (default: 75)')
    .option('--logged-within <time>', 'how long a logged "table full" counts, as 30m or 24h (default: 24h)')
}

export function limitOption(): Option {
  return new Option('-l, --limit <pattern>', 'only these hosts and groups: web,db-1 · web-* · all:!web-3')
}

export function factsOption(): Option {
  return new Option(
    '--facts <file>',
    'judge from what facts --format json printed, and contact no host; such a plan is indicative and cannot be applied',
  )
}

export function formatOption(): Option {
  return new Option('--format <format>', 'text or json').default('text')
}

export function forksOption(otherwise: number): Option {
  return new Option('--forks <number>', `hosts at a time (default: ${otherwise})`)
}

export function wavesOption(otherwise: string): Option {
  const text = '1,10%,100%: how many hosts are through after each wave; pairs are kept apart, gateways go last'
  return new Option('--waves <sizes>', `${text} (default: ${otherwise})`)
}

export function maxFailOption(otherwise: string): Option {
  const text = 'how many hosts may fail, those not reached and not confirmed among them, before no further one begins'
  return new Option('--max-fail <hosts>', `${text}: 2 or 10% (default: ${otherwise})`)
}

export function pauseOption(otherwise: string, then = ', then look at some of its hosts again'): Option {
  return new Option('--pause <time>', `wait this long after each wave${then} (default: ${otherwise})`)
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ctfleet ${line}`).join('\n')}`
}
