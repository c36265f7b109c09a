import type { Host } from '../../model/host.ts'
import type { ExplainResult, LeftOut } from '../../model/result.ts'
import { explanationJson, type FactsSource } from '../../report/json/explanation.ts'
import { leftOutJson } from '../../report/json/left-out.ts'
import { jsonText } from '../../report/json/text.ts'
import { explanationText } from '../../report/text/explanation.ts'
import { recordedHead } from '../../report/text/indicative.ts'
import { withLeftOut } from '../../report/text/left-out.ts'
import { explainHost } from '../../run/explain-host.ts'
import { explainRecorded } from '../../run/offline.ts'
import type { Wish } from '../../run/plan-host.ts'
import { newSampler } from '../../run/sampling.ts'
import { asideResults } from '../../run/set-aside.ts'
import { sifted } from '../../run/where.ts'
import { askForAccess } from '../access.ts'
import { formatFrom } from '../arguments.ts'
import { checkAll } from '../checks.ts'
import { type ExitCode, exitCodeOfExplaining } from '../exit-code.ts'
import { recordedFrom } from '../facts-file.ts'
import { conductOn } from '../fleet-phase.ts'
import { inventoryName, keepSamples } from '../history.ts'
import { forksFrom, READING } from '../parallel.ts'
import { type TargetWords, targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { type WishWords, wishFrom } from '../wish.ts'

export type ExplainWords = TargetWords &
  WishWords & {
    readonly facts: string | undefined
    readonly format: string
    readonly forks: string | undefined
  }

export async function explainCommand(words: ExplainWords, terminal: Terminal): Promise<ExitCode> {
  const { ask, wish, format } = await checkAll({
    ask: () => sourceFrom(words),
    wish: () => wishFrom(words),
    format: () => formatFrom(words.format),
  })
  const { all, source } = await ask(wish, terminal)
  const { results, ...others } = sifted<ExplainResult>(all)
  if (format === 'json') {
    const document = explanationJson(results, source)
    terminal.printText(jsonText(words.where === undefined ? document : { ...document, ...leftOutJson(others) }))
  } else {
    if (source !== null) terminal.print(recordedHead(terminal.paper, source.takenAt))
    terminal.print(withLeftOut(terminal.paper, { results, ...others }, () => explanationText(terminal.paper, results)))
  }
  return exitCodeOfExplaining(results)
}

type Explained = { readonly all: readonly (ExplainResult | LeftOut)[]; readonly source: FactsSource | null }
type Ask = (wish: Wish, terminal: Terminal) => Promise<Explained>

/** The hosts themselves, or what was recorded of them. */
async function sourceFrom(words: ExplainWords): Promise<Ask> {
  const { facts } = words
  if (facts !== undefined) {
    const { hosts, source } = await recordedFrom(facts, words)
    return async (wish) => ({ all: hosts.map((host) => explainRecorded(host, wish)), source })
  }
  const { targets, parallel } = await checkAll({
    targets: () => targetsFrom(words),
    parallel: () => forksFrom(words.forks, READING),
  })
  return async (wish, terminal) => {
    await askForAccess(targets.hosts, words)
    const story = (host: Host, telling: Parameters<typeof explainHost>[2]) => explainHost(host, wish, telling)
    const onLeaving = ['Nothing was changed.']
    const phase = { title: 'Explaining', hosts: targets.hosts, parallel, onlyReads: true, onLeaving }
    const sampler = newSampler(inventoryName(words))
    const asked = await sampler.over(conductOn(terminal))({ ...phase, story })
    await keepSamples(sampler, terminal)
    return { all: [...asked, ...asideResults(targets.setAside)], source: null }
  }
}
