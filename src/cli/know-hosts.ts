import { Command, Option } from './commander.ts'
import type { InventoryWords } from './commands/inventory.ts'
import type { KeysWords } from './commands/keys.ts'
import type { ExitCode } from './exit-code.ts'
import {
  examples,
  formatOption,
  inventoryOption,
  limitOption,
  type Named,
  onInventory,
  SOURCE,
  withInventory,
  withSources,
} from './options.ts'
import { READING } from './parallel.ts'
import type { Terminal } from './terminal.ts'

type End = (code: ExitCode) => void

/** The commands about which hosts there are, and who they are. */
export function knowHosts(terminal: Terminal, end: End): readonly Command[] {
  return [inventory(terminal, end), keys(terminal, end)]
}

function inventory(terminal: Terminal, end: End): Command {
  return withSources(new Command('inventory'))
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
    })
}

function keys(terminal: Terminal, end: End): Command {
  return onInventory('keys', "show hosts' keys, and write down the new ones", READING)
    .description(
      'Shows the key fingerprints of every host, and of the hosts in between, without a login, and writes new ones to known_hosts after a yes for each. A changed key is shown, and never written.',
    )
    .option('-y, --yes', 'ask nothing: write all new keys down', false)
    .addHelpText('after', examples('keys', 'keys inventory.yaml --limit web', 'keys --format json', 'keys --yes'))
    .action(async (inventory: string | undefined, options: KeysWords & Named) => {
      const { keysCommand } = await import('./commands/keys.ts')
      end(await keysCommand(withInventory(inventory, options), terminal))
    })
}
