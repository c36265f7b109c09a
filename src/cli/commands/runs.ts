import { visible } from '../../report/format.ts'
import { runsJson } from '../../report/json/runs.ts'
import { jsonText } from '../../report/json/text.ts'
import { runsText } from '../../report/text/runs.ts'
import { formatFrom } from '../arguments.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { checkSearchable, recordPlace } from '../record-place.ts'
import { kept, openStore } from '../state.ts'
import type { Terminal } from '../terminal.ts'

export type RunsWords = { readonly format: string }

export async function runsCommand(words: RunsWords, terminal: Terminal): Promise<ExitCode> {
  const format = formatFrom(words.format)
  await checkSearchable()
  const { runs, damaged } = await kept(async () => await openStore(terminal).list())
  if (format === 'json') terminal.printText(jsonText(runsJson(runs)))
  else terminal.print(runsText(terminal.paper, runs, visible(recordPlace())))
  terminal.say(damaged.map(({ place, why }) => `${visible(place)} ${visible(why)}; it was skipped`))
  return EXIT.asWanted
}
