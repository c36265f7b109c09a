import { planDocument } from '../../plan/document.ts'
import { leftOutJson } from '../../report/json/left-out.ts'
import { resultsJson } from '../../report/json/plan.ts'
import { jsonText } from '../../report/json/text.ts'
import { withLeftOut } from '../../report/text/left-out.ts'
import { planText } from '../../report/text/plan.ts'
import { quote } from '../../shell/script.ts'
import { askForAccess } from '../access.ts'
import { accessAgain } from '../access-words.ts'
import { formatFrom } from '../arguments.ts'
import { checkAll } from '../checks.ts'
import { type ExitCode, exitCodeOf } from '../exit-code.ts'
import { forksFrom, READING } from '../parallel.ts'
import { planFleet } from '../plan-fleet.ts'
import { failedOf, saveFailed } from '../save-failed.ts'
import { checkWritable, writeSavedPlan } from '../saved-plan.ts'
import { type TargetWords, targetsFrom, targetWords } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { type WishWords, wishFrom, wishWords } from '../wish.ts'
import { planRecorded } from './plan-recorded.ts'

export type PlanWords = TargetWords &
  WishWords & {
    readonly output: string | undefined
    readonly exitCode: boolean
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
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, READING),
    output: () => checkWritable(output),
    saveFailed: () => checkWritable(words.saveFailed, '--save-failed'),
  })
  await askForAccess(targets.hosts, words)
  const { results, ...others } = await planFleet(targets, { wish, parallel }, terminal)

  if (output !== undefined) {
    await writeSavedPlan(output, planDocument(targets.inventory, new Date().toISOString(), results))
  }
  if (format === 'json') {
    const document = resultsJson(results)
    terminal.printText(jsonText(words.where === undefined ? document : { ...document, ...leftOutJson(others) }))
  } else terminal.print(withLeftOut(terminal.paper, { results, ...others }, () => planText(terminal.paper, results)))
  if (results.some(({ status }) => status === 'planned')) {
    terminal.say([
      '',
      `Nothing was changed. Next: ctfleet apply ${applyWords(words, targets.inventory).map(quote).join(' ')}`,
    ])
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
