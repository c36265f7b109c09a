import { type Command, Option } from './commander.ts'
import type { AuditWords } from './commands/audit.ts'
import type { ExplainWords } from './commands/explain.ts'
import type { FactsWords } from './commands/facts.ts'
import type { PlanWords } from './commands/plan.ts'
import type { ExitCode } from './exit-code.ts'
import {
  alsoMarkdown,
  alsoReports,
  examples,
  factsOption,
  type Named,
  onInventory,
  saveFailedOption,
  whereOption,
  withInventory,
  withWish,
} from './options.ts'
import { READING } from './parallel.ts'
import type { Terminal } from './terminal.ts'

type End = (code: ExitCode) => void

/** The commands that look at hosts and change nothing. */
export function lookAtHosts(terminal: Terminal, end: End): readonly Command[] {
  return [facts(terminal, end), explain(terminal, end), plan(terminal, end), audit(terminal, end)]
}

function facts(terminal: Terminal, end: End): Command {
  return onInventory('facts', 'read what there is to know about hosts', READING)
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
    })
}

function explain(terminal: Terminal, end: End): Command {
  return withWish(onInventory('explain', 'say why, and what each strategy would change', READING))
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
    })
}

function plan(terminal: Terminal, end: End): Command {
  return alsoMarkdown(withWish(onInventory('plan', 'show what would be changed, and why', READING)))
    .description('Diagnoses every host, chooses a remedy for each, and shows each change. Changes nothing.')
    .option('-o, --output <file>', 'save the plan, exact scripts and all, for show and apply')
    .option('--exit-code', 'end with 4 where changes are pending', false)
    .option('--full', 'all of the evidence, and of what differs', false)
    .addOption(factsOption())
    .addOption(saveFailedOption())
    .addHelpText(
      'after',
      examples(
        'plan',
        "plan --limit 'web:!web-3' -o plan.json",
        'plan --strategy notrack --ports 80,443/tcp,53/udp',
        'plan --facts facts.json',
        'plan --format markdown > ticket.md',
      ),
    )
    .action(async (inventory: string | undefined, options: PlanWords & Named) => {
      const { planCommand } = await import('./commands/plan.ts')
      end(await planCommand(withInventory(inventory, options), terminal))
    })
}

function audit(terminal: Terminal, end: End): Command {
  return alsoReports(
    onInventory('audit', 'hold hosts against rules of ours and of your own', READING),
    'text, json, junit, sarif, markdown, html or prometheus',
  )
    .description(
      'Says what is wrong with hosts, or will be: pressure and loss, settings that a reboot would lose, tracking that nothing needs, rules half done, a host out of line with its group. Changes nothing. Ends with 4 where something is found.',
    )
    .option('--policy <file>', 'thresholds, rules off or of your own, and waivers, in YAML')
    .option(
      '--fail-on <severity>',
      'from which severity on findings end it with 4: critical, warning or info',
      'warning',
    )
    .addOption(whereOption())
    .option('--no-drift', 'do not ask hosts whether what ctfleet applied last is in force, and who changed it')
    .addOption(new Option('--facts <file>', 'audit what facts --format json printed, and contact no host'))
    .option(
      '--since-last',
      'tell only what is new or worse since the last audit of these hosts with this policy',
      false,
    )
    .addHelpText(
      'after',
      examples(
        'audit',
        'audit --policy policy.yaml --fail-on critical',
        'audit --limit web --format json',
        'audit -o audit.html',
        'audit -o /var/lib/node_exporter/textfile/ctfleet-audit.prom',
        'audit --facts facts.json',
      ),
    )
    .action(async (inventory: string | undefined, options: AuditWords & Named) => {
      const { auditCommand } = await import('./commands/audit.ts')
      end(await auditCommand(withInventory(inventory, options), terminal))
    })
}
