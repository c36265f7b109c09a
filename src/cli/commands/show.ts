import { paragraph } from '../../report/format.ts'
import { resultsJson } from '../../report/json/plan.ts'
import { jsonText } from '../../report/json/text.ts'
import { planText, scriptText } from '../../report/text/plan.ts'
import { formatFrom } from '../arguments.ts'
import { checkAll } from '../checks.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { readSavedPlan } from '../saved-plan.ts'
import type { Terminal } from '../terminal.ts'

export type ShowWords = { readonly plan: string; readonly scripts: boolean; readonly format: string }

export async function showCommand(words: ShowWords, terminal: Terminal): Promise<ExitCode> {
  const { document, format } = await checkAll({
    document: () => readSavedPlan(words.plan),
    format: () => formatFrom(words.format),
  })
  const { id, createdAt, inventory, hosts } = document
  if (format === 'json') {
    terminal.printText(jsonText({ ...resultsJson(hosts), id, createdAt, inventory }))
    return EXIT.asWanted
  }
  const { paper } = terminal
  const made = `Plan ${id.slice(0, 12)} for ${inventory}, made ${createdAt.slice(0, 16).replace('T', ' ')} UTC`
  terminal.print([
    ...paragraph(paper, '', made),
    ...planText(paper, hosts),
    ...(words.scripts ? scriptText(paper, hosts) : []),
  ])
  return EXIT.asWanted
}
