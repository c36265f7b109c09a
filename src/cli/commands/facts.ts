import { factsJson } from '../../report/json/facts.ts'
import { jsonText } from '../../report/json/text.ts'
import { factsText } from '../../report/text/facts.ts'
import { factsHost } from '../../run/facts-host.ts'
import { formatFrom } from '../arguments.ts'
import { checkAll } from '../checks.ts'
import { type ExitCode, exitCodeOfReading } from '../exit-code.ts'
import { runPhase } from '../fleet-phase.ts'
import { forksFrom, READING } from '../parallel.ts'
import { type TargetWords, targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'

export type FactsWords = TargetWords & { readonly format: string; readonly forks: string | undefined }

export async function factsCommand(words: FactsWords, terminal: Terminal): Promise<ExitCode> {
  const { format, targets, parallel } = await checkAll({
    targets: () => targetsFrom(words),
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, READING),
  })
  const results = await runPhase(
    { title: 'Reading', hosts: targets.hosts, parallel, story: factsHost, onLeaving: ['Nothing was changed.'] },
    terminal,
  )
  if (format === 'json') {
    const groups = new Map(targets.hosts.map((host) => [host.name, host.groups]))
    const made = { takenAt: new Date().toISOString(), tool: `ctfleet ${version()}` }
    terminal.printText(jsonText(factsJson(results, { ...made, groupsOf: (host) => groups.get(host) ?? [] })))
  } else terminal.print(factsText(terminal.paper, results))
  return exitCodeOfReading(results)
}
