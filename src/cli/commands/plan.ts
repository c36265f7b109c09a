import { planDocument } from '../../plan/document.ts'
import { planTold } from '../../report/catalog/plan-told.ts'
import { leftOutJson } from '../../report/json/left-out.ts'
import { resultsJson } from '../../report/json/plan.ts'
import { jsonText } from '../../report/json/text.ts'
import { planMarkdown } from '../../report/markdown/plan.ts'
import { withLeftOut } from '../../report/text/left-out.ts'
import { planText } from '../../report/text/plan.ts'
import { planFleet } from '../../run/plan-fleet.ts'
import { newSampler } from '../../run/sampling.ts'
import { quote } from '../../shell/script.ts'
import { askForAccess } from '../access.ts'
import { accessAgain } from '../access-words.ts'
import { planFormatFrom } from '../arguments.ts'
import { checkAll } from '../checks.ts'
import { askedBy, askedOf, windowWords } from '../confirm-window.ts'
import { type ExitCode, exitCodeOf } from '../exit-code.ts'
import { conductOn } from '../fleet-phase.ts'
import { inventoryName, keepSamples } from '../history.ts'
import { forksFrom, READING } from '../parallel.ts'
import { failedOf, saveFailed } from '../save-failed.ts'
import { writeSavedPlan } from '../saved-plan.ts'
import { type TargetWords, targetsFrom, targetWords } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { checkWritable } from '../whole-file.ts'
import { type WishWords, wishFrom, wishWords } from '../wish.ts'
import { planRecorded } from './plan-recorded.ts'

export type PlanWords = TargetWords &
  WishWords & {
    readonly output: string | undefined
    readonly exitCode: boolean
    readonly full?: boolean
    readonly format: string
    readonly forks: string | undefined
    readonly facts: string | undefined
    readonly saveFailed?: string | undefined
  }

export async function planCommand(words: PlanWords, terminal: Terminal): Promise<ExitCode> {
  const { output, facts } = words
  if (facts !== undefined) return await planRecorded(facts, words, terminal)
  const { targets, wish, format, parallel } = await checkAll({
    targets: () => targetsFrom(words),
    wish: () => wishFrom(words),
    format: () => planFormatFrom(words.format),
    parallel: () => forksFrom(words.forks, READING),
    output: () => checkWritable(output),
    saveFailed: () => checkWritable(words.saveFailed, '--save-failed'),
  })
  await askForAccess(targets.hosts, words)
  const sampler = newSampler(inventoryName(words))
  const { results, ...others } = await planFleet(targets, { wish, parallel }, sampler.over(conductOn(terminal)))
  await keepSamples(sampler, terminal)

  if (output !== undefined) {
    await writeSavedPlan(output, planDocument(targets.inventory, new Date().toISOString(), results))
  }
  if (format === 'json') {
    const document = resultsJson(results)
    terminal.printText(jsonText(words.where === undefined ? document : { ...document, ...leftOutJson(others) }))
  } else if (format === 'markdown') {
    terminal.printText(planMarkdown(`Plan for ${targets.inventory}`, planTold(results, others)))
  } else {
    const detail = words.full === true ? 'full' : 'short'
    terminal.print(withLeftOut(terminal.paper, { results, ...others }, () => planText(terminal.paper, results, detail)))
  }
  if (results.some(({ status }) => status === 'planned')) {
    const window = windowWords(output === undefined ? askedBy(wish) : askedOf(results))
    const next = [...applyWords(words, targets.inventory), ...window]
    terminal.say(['', `Nothing was changed. Next: ctfleet apply ${next.map(quote).join(' ')}`])
  }
  terminal.say(await saveFailed(words.saveFailed, failedOf(results)))
  return exitCodeOf(results, words.exitCode)
}

/** The words that would apply what was just shown. */
function applyWords({ output, ...words }: PlanWords, inventory: string): readonly string[] {
  if (output !== undefined) return [output, ...accessAgain(words)]
  const named = words.inventory ?? words.inventoryOption ?? inventory
  return [...targetWords({ ...words, inventory: named }), ...wishWords(words).flat()]
}
