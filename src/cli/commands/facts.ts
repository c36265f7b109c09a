import type { Host } from '../../model/host.ts'
import type { FactsResult, LeftOut } from '../../model/result.ts'
import { factsJson } from '../../report/json/facts.ts'
import { leftOutJson } from '../../report/json/left-out.ts'
import { jsonParts } from '../../report/json/text.ts'
import { factsParts, type Told, told } from '../../report/text/facts.ts'
import { withLeftOut } from '../../report/text/left-out.ts'
import { factsHost } from '../../run/facts-host.ts'
import { newSampler } from '../../run/sampling.ts'
import { asideResults } from '../../run/set-aside.ts'
import type { Telling } from '../../run/story.ts'
import { leftOutBy, sifted, whereFrom } from '../../run/where.ts'
import { askForAccess } from '../access.ts'
import { formatFrom } from '../arguments.ts'
import { checkAll } from '../checks.ts'
import { EXIT, type ExitCode, exitCodeOfReading } from '../exit-code.ts'
import { conductOn } from '../fleet-phase.ts'
import { inventoryName, keepSamples } from '../history.ts'
import { forksFrom, READING } from '../parallel.ts'
import { saveFailed } from '../save-failed.ts'
import { type TargetWords, targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'
import { checkWritable } from '../whole-file.ts'

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
  const readAll = async <R extends FactsResult | Told>(kept: (read: FactsResult) => R) => {
    const story = async (host: Host, telling: Telling): Promise<R | LeftOut> => {
      const read = await factsHost(host, telling)
      return (read.status === 'read' ? leftOutBy(where, host.name, read.facts) : null) ?? kept(read)
    }
    const onLeaving = ['Nothing was changed.']
    const phase = { title: 'Reading', hosts: targets.hosts, parallel, story, onlyReads: true, onLeaving }
    const sampler = newSampler(inventoryName(words))
    const all = await sampler.over(conductOn(terminal))(phase)
    await keepSamples(sampler, terminal)
    return [...all, ...asideResults(targets.setAside)]
  }
  let results: readonly (FactsResult | Told)[]
  if (format === 'json') {
    const { results: read, ...others } = sifted<FactsResult>(await readAll((each) => each))
    results = read
    const groups = new Map([...targets.hosts, ...targets.setAside].map((host) => [host.name, host.groups]))
    const made = { takenAt: new Date().toISOString(), tool: `ctfleet ${version()}` }
    const document = factsJson(read, { ...made, groupsOf: (host) => groups.get(host) ?? [] })
    const whole = where === null ? document : { ...document, ...leftOutJson(others) }
    for (const part of jsonParts(whole, 'hosts')) terminal.printText(part)
  } else {
    const { results: read, ...others } = sifted<Told>(await readAll((each) => told(terminal.paper, each)))
    results = read
    // Host by host, and nothing of it is kept.
    const printed = () => {
      for (const part of factsParts(terminal.paper, read)) terminal.print(part)
      return []
    }
    terminal.print(withLeftOut(terminal.paper, { results, ...others }, printed))
  }
  const failed = results.filter((result) => exitCodeOfReading([result]) !== EXIT.asWanted).map(({ host }) => host)
  terminal.say(await saveFailed(words.saveFailed, failed))
  return exitCodeOfReading(results)
}
