import type { ForetoldResult } from '../../model/result.ts'
import { planTold } from '../../report/catalog/plan-told.ts'
import { indicativeJson } from '../../report/json/indicative.ts'
import { leftOutJson } from '../../report/json/left-out.ts'
import { jsonText } from '../../report/json/text.ts'
import { planMarkdown } from '../../report/markdown/plan.ts'
import { recordedHead } from '../../report/text/indicative.ts'
import { withLeftOut } from '../../report/text/left-out.ts'
import { planText } from '../../report/text/plan.ts'
import { foretellRecorded } from '../../run/offline.ts'
import { sifted } from '../../run/where.ts'
import { planFormatFrom } from '../arguments.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { type ExitCode, exitCodeOf } from '../exit-code.ts'
import { recordedFrom } from '../facts-file.ts'
import { failedOf, saveFailed } from '../save-failed.ts'
import type { TargetWords } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { checkWritable } from '../whole-file.ts'
import { type WishWords, wishFrom } from '../wish.ts'

type RecordedWords = TargetWords &
  WishWords & {
    readonly output: string | undefined
    readonly saveFailed?: string | undefined
    readonly exitCode: boolean
    readonly full?: boolean
    readonly format: string
  }

/** What a plan would most likely be, from recorded facts: no host is contacted, and nothing that could be applied comes of it. */
export async function planRecorded(facts: string, words: RecordedWords, terminal: Terminal): Promise<ExitCode> {
  const { recorded, wish, format } = await checkAll({
    recorded: () => recordedFrom(facts, words),
    wish: () => wishFrom(words),
    format: () => planFormatFrom(words.format),
    output: () => refuseOutput(words.output),
    saveFailed: () => checkWritable(words.saveFailed, '--save-failed'),
  })
  const { results, ...others } = sifted<ForetoldResult>(recorded.hosts.map((host) => foretellRecorded(host, wish)))
  if (format === 'json') {
    const document = indicativeJson(results, recorded.source)
    terminal.printText(jsonText(words.where === undefined ? document : { ...document, ...leftOutJson(others) }))
  } else if (format === 'markdown') {
    const title = `Plan from recorded facts, ${recorded.source.takenAt ?? 'at a time that is not known'}${CANNOT}`
    terminal.printText(planMarkdown(title, planTold(results, others)))
  } else {
    terminal.print([
      ...recordedHead(terminal.paper, recorded.source.takenAt, CANNOT),
      ...withLeftOut(terminal.paper, { results, ...others }, () =>
        planText(terminal.paper, results, words.full === true ? 'full' : 'short'),
      ),
    ])
  }
  if (results.some(({ status }) => status === 'indicative')) {
    terminal.say(['', 'No host was contacted. For a plan that can be applied: ctfleet plan -o plan.json'])
  }
  terminal.say(await saveFailed(words.saveFailed, failedOf(results)))
  return exitCodeOf(results, words.exitCode)
}

const CANNOT = ', cannot be applied'

function refuseOutput(output: string | undefined): void {
  if (output === undefined) return
  const message = 'a plan from recorded facts cannot be applied, so it is not saved'
  throw complainAbout('--output', message, 'leave -o out, or leave --facts out and plan on the hosts themselves')
}
