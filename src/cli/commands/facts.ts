import type { Host } from '../../model/host.ts'
import type { FactsResult, LeftOut } from '../../model/result.ts'
import { factsJson } from '../../report/json/facts.ts'
import { leftOutJson } from '../../report/json/left-out.ts'
import { jsonText } from '../../report/json/text.ts'
import { factsText } from '../../report/text/facts.ts'
import { withLeftOut } from '../../report/text/left-out.ts'
import { factsHost } from '../../run/facts-host.ts'
import type { Telling } from '../../run/story.ts'
import { leftOutBy } from '../../run/where.ts'
import { askForAccess } from '../access.ts'
import { formatFrom } from '../arguments.ts'
import { checkAll } from '../checks.ts'
import { EXIT, type ExitCode, exitCodeOfReading } from '../exit-code.ts'
import { runPhase } from '../fleet-phase.ts'
import { forksFrom, READING } from '../parallel.ts'
import { saveFailed } from '../save-failed.ts'
import { checkWritable } from '../saved-plan.ts'
import { asideResults } from '../set-aside.ts'
import { type TargetWords, targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'
import { sifted, whereFrom } from '../where.ts'

export type FactsWords = TargetWords & {
  readonly format: string
  readonly forks: string | undefined
  readonly where?: string | undefined
  readonly saveFailed?: string | undefined
}

export async function factsCommand(words: FactsWords, terminal: Terminal): Promise<ExitCode> {
  const { format, targets, parallel, where } = await checkAll({
    targets: () => targetsFrom(words),
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, READING),
    where: () => whereFrom(words.where),
    saveFailed: () => checkWritable(words.saveFailed, '--save-failed'),
  })
  await askForAccess(targets.hosts, words)
  const story = async (host: Host, telling: Telling): Promise<FactsResult | LeftOut> => {
    const read = await factsHost(host, telling)
    return read.status === 'read' ? (leftOutBy(where, host.name, read.facts) ?? read) : read
  }
  const read = await runPhase(
    { title: 'Reading', hosts: targets.hosts, parallel, story, onLeaving: ['Nothing was changed.'] },
    terminal,
  )
  const { results, ...others } = sifted<FactsResult>([...read, ...asideResults(targets.setAside)])
  if (format === 'json') {
    const groups = new Map([...targets.hosts, ...targets.setAside].map((host) => [host.name, host.groups]))
    const made = { takenAt: new Date().toISOString(), tool: `ctfleet ${version()}` }
    const document = factsJson(results, { ...made, groupsOf: (host) => groups.get(host) ?? [] })
    terminal.printText(jsonText(where === null ? document : { ...document, ...leftOutJson(others) }))
  } else {
    terminal.print(withLeftOut(terminal.paper, { results, ...others }, () => factsText(terminal.paper, results)))
  }
  const failed = results.filter((result) => exitCodeOfReading([result]) !== EXIT.asWanted).map(({ host }) => host)
  terminal.say(await saveFailed(words.saveFailed, failed))
  return exitCodeOfReading(results)
}
