import { asOne } from '../inventory/as-one.ts'
import { Command, Option } from './commander.ts'
import { SECRET_SOURCE } from './secret-words.ts'
import type { TargetWords } from './targets.ts'

/** Arguments and options that several commands share, and their words in `--help`. */
export const SOURCE =
  'an inventory: a file, a directory, a program, or hosts: web-1,web-2,\n(default: CTFLEET_INVENTORY, else ./inventory.yaml)'
export const APPLY_SOURCE =
  'a plan that plan -o saved, or an inventory\n(default: CTFLEET_INVENTORY, else ./inventory.yaml)'

export function onInventory(
  name: string,
  summary: string,
  forks: number,
  argument = '[inventory]',
  source = SOURCE,
): Command {
  return withAccess(new Command(name))
    .summary(summary)
    .argument(argument, source)
    .addOption(inventoryOption())
    .addOption(limitOption())
    .addOption(formatOption())
    .addOption(forksOption(forks))
}

/** How passwords are had: for every command that logs in anywhere. None of these takes a password itself. */
export function withAccess(command: Command): Command {
  const source = (flags: string, text: string) => new Option(flags, text).helpGroup(ACCESS)
  const way = (flags: string, text: string) => new Option(flags, text).helpGroup(WAY)
  const withPasswords = command
    .addOption(eventsOption())
    .addOption(source('-k, --ask-pass', 'ask once for the password to log in with'))
    .addOption(source('--pass-from <source>', `have it from ${SECRET_SOURCE}`))
    .addOption(source('-K, --ask-become-pass', 'ask once for the password to become root (default: that to log in)'))
    .addOption(source('--become-pass-from <source>', 'have that one from a source'))
    .addOption(source('--passphrase-from <source>', 'have the passphrase of encrypted keys from a source'))
  return withSources(withPasswords).addOption(
    way('--accept-new', 'take and write down the keys of hosts that no known_hosts file knows yet'),
  )
}

/** What is needed to read an inventory, and to work out the ways to its hosts. */
export function withSources(command: Command): Command {
  const source = (flags: string, text: string) => new Option(flags, text).helpGroup(ACCESS)
  const way = (flags: string, text: string) => new Option(flags, text).helpGroup(WAY)
  return command
    .addOption(
      source(
        '--vault-password-file <file>',
        'open sealed values with it; file or id@file, run where it may be run',
      ).argParser((file: string, before: readonly string[] | undefined) => [...(before ?? []), file]),
    )
    .addOption(source('--ask-vault-pass', 'ask once for the password of sealed values'))
    .addOption(way('-u, --user <name>', 'log in as this user where the inventory names none'))
    .addOption(way('-b, --become', 'become root by sudo where the inventory does not say how'))
    .addOption(way('--ssh-config <file>', "read this in place of ~/.ssh/config and the system's; none: no file"))
}

const ACCESS = 'Passwords:'
const WAY = 'The way to hosts:'

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
    .addOption(whereOption())
}

export function whereOption(): Option {
  return new Option(
    '--where <condition>',
    "only hosts for which it is true: 'conntrack.usage > 0.8' (CEL, over what facts --format json prints); apply ends with 1 where it cannot be told of some host, and leaves that one alone",
  )
}

function eventsOption(): Option {
  return new Option(
    '--events <file>',
    'write what happens as it happens there, as JSON, one event a line; or a descriptor: --events 3 3> events.jsonl',
  ).helpGroup(FOR_PROGRAMS)
}

const FOR_PROGRAMS = 'For programs:'

export function saveFailedOption(): Option {
  return new Option('--save-failed <file>', 'write the names of hosts that failed there, for --limit @file')
}

/** Given twice, both count, the later one over the earlier. */
export function inventoryOption(): Option {
  return new Option(
    '-i, --inventory <source>',
    'the same, as an option; more than once: several, later ones win',
  ).argParser((source: string, before?: string) => (before === undefined ? source : asOne([before, source])))
}

export function limitOption(): Option {
  return new Option(
    '-l, --limit <pattern>',
    'only these hosts and groups: web,db-1 · web-* · ~web\\d+ · web[0:2] · all:!web-3 · @failed.txt',
  )
}

export function factsOption(): Option {
  return new Option(
    '--facts <file>',
    'judge from what facts --format json printed, and contact no host; such a plan is indicative and cannot be applied',
  )
}

export function formatOption(formats = 'text or json'): Option {
  return new Option('--format <format>', formats).default('text')
}

/** Of a command that shows a plan. */
export function alsoMarkdown(command: Command): Command {
  const format = command.options.find(({ long }) => long === '--format')
  if (format !== undefined) format.description = 'text, json or markdown'
  return command
}

/** Of a command that tells in many ways, and into a file whose ending says which. */
export function alsoReports(command: Command, formats: string): Command {
  const format = command.options.find(({ long }) => long === '--format')
  if (format !== undefined) {
    format.description = `${formats} (default: by the file's ending, else text)`
    format.defaultValue = undefined
  }
  return command
    .setOptionValueWithSource('format', undefined, 'default')
    .option('-o, --output <file>', 'write it there, whole or not at all; its ending says the format')
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

/** The inventory as an option, beside the argument: both are fine. */
export type Named = { readonly inventory?: string }

export function withInventory<T extends TargetWords>(inventory: string | undefined, options: T & Named): T {
  return { ...options, inventory, inventoryOption: options.inventory }
}
