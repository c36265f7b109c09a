import { Command } from './commander.ts'
import type { DoctorWords } from './commands/doctor.ts'
import type { InitWords } from './commands/init.ts'
import type { ExitCode } from './exit-code.ts'
import { examples, formatOption, inventoryOption, limitOption, SOURCE, withAccess } from './options.ts'
import type { Terminal } from './terminal.ts'

/** The commands of somebody who begins, or writes playbooks: they contact no host, but for `doctor`. */
export function firstSteps(terminal: Terminal, end: (code: ExitCode) => void): readonly Command[] {
  return [init(terminal, end), doctor(terminal, end), playbook(terminal, end), completion(terminal, end)]
}

function init(terminal: Terminal, end: (code: ExitCode) => void): Command {
  return new Command('init')
    .summary('begin an inventory')
    .description(
      "Writes an inventory of the hosts that are named, of those in a list or in an inventory of Ansible's, or an example with comments. Whatever is there already stays. Ansible's inventories are read as they are, too, and need none of this. Asks nothing, contacts nobody.",
    )
    .argument('[words...]', 'hosts (web-1 ops@db-1:2222 web-[1:3].example.com), and the file (default: inventory.yaml)')
    .option('--from <source>', "take the hosts from there: an inventory of Ansible's, or a list, one a line (-: stdin)")
    .option('--policy', 'begin a policy for audit, policy.yaml, in place of an inventory', false)
    .addHelpText(
      'after',
      examples(
        'init web-1 web-2',
        'init ops@db-1:2222 hosts.yaml',
        'init --from /etc/ansible/hosts',
        'init --from hosts.txt hosts.yaml',
        'init',
        'init --policy',
      ),
    )
    .action(async (words: readonly string[], options: InitWords) => {
      const { initCommand } = await import('./commands/init.ts')
      end(await initCommand(words, options, terminal))
    })
}

function doctor(terminal: Terminal, end: (code: ExitCode) => void): Command {
  return withAccess(new Command('doctor'))
    .summary('what this machine has, and how far one gets into a host')
    .description(
      'Looks at this machine (program, open files, ssh, agent, known_hosts, record, terminal), then goes the way into one host step by step: address, connection, host key, login, shell, tools, root, tracking. Says of each whether it is well, and what to type where it is not. A host that hangs is given up after 60 s on the way in, and 60 s more for each host in between. Changes nothing. Ends with 1 where something is not well.',
    )
    .argument('[inventory]', SOURCE)
    .addOption(inventoryOption())
    .addOption(limitOption())
    .addOption(formatOption())
    .addHelpText('after', examples('doctor', 'doctor --limit web-1', 'doctor web-1,'))
    .action(async (inventory: string | undefined, options: DoctorWords & { readonly inventory?: string }) => {
      const { doctorCommand } = await import('./commands/doctor.ts')
      end(await doctorCommand({ ...options, inventory, inventoryOption: options.inventory }, terminal))
    })
}

function playbook(terminal: Terminal, end: (code: ExitCode) => void): Command {
  const parent = new Command('playbook')
    .summary('list, show and check playbooks')
    .description('Playbooks are the remedies, ours and those of your own in ./playbooks. Contacts nobody.')
    .addHelpText(
      'after',
      examples('playbook list', 'playbook show tune', 'playbook check ./playbooks/mine.yaml', 'plan --strategy mine'),
    )
  parent
    .command('list')
    .summary('those that --strategy finds by name')
    .description('Lists the playbooks that --strategy finds by name. Ends with 1 where one of them has mistakes.')
    .addOption(formatOption())
    .addHelpText('after', examples('playbook list', 'playbook list --format json'))
    .action(async (options: { readonly format: string }) => {
      const { playbookListCommand } = await import('./commands/playbook.ts')
      end(playbookListCommand(options, terminal))
    })
  parent
    .command('show')
    .summary('what one requires, changes and checks, and its file')
    .description(
      'Says in words what a playbook requires of a host, what it changes and what is checked, and prints its file.',
    )
    .argument('<name>', 'its name, or the path of its file')
    .option('--source', 'its file alone, to begin one of your own with', false)
    .addHelpText('after', examples('playbook show notrack', 'playbook show tune --source > playbooks/mine.yaml'))
    .action(async (name: string, options: { readonly source: boolean }) => {
      const { playbookShowCommand } = await import('./commands/playbook.ts')
      end(playbookShowCommand(name, options, terminal))
    })
  parent
    .command('check')
    .summary('whether files are playbooks, and all mistakes in them')
    .description(
      'Reads playbooks and checks all that can be checked without a host: form, names, types of expressions, what each step wants. Ends with 2 where there is a mistake.',
    )
    .argument('[file...]', 'files; none: all in ./playbooks')
    .addHelpText('after', examples('playbook check', 'playbook check mine.yaml theirs.yaml'))
    .action(async (files: readonly string[]) => {
      const { playbookCheckCommand } = await import('./commands/playbook.ts')
      end(playbookCheckCommand(files, terminal))
    })
  return parent
}

function completion(terminal: Terminal, end: (code: ExitCode) => void): Command {
  return new Command('completion')
    .summary('print a script that completes words in your shell')
    .description(
      "Prints a script for bash, zsh or fish, which completes commands, options, playbooks, and the inventory's hosts and groups. In bash and zsh: . <(ctfleet completion bash), from ~/.bashrc for good.",
    )
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText('after', examples('completion bash', 'completion fish | source'))
    .action(async (shell: string) => {
      const { completionCommand } = await import('./commands/completion.ts')
      end(completionCommand(shell, terminal))
    })
}
