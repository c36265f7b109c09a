import { REPORTS } from '../../report/catalog.ts'
import { checkAll } from '../checks.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { findRun, type Last } from '../find-run.ts'
import { deliver, formatAmong } from '../report-file.ts'
import { kept, openStore } from '../state.ts'
import type { Terminal } from '../terminal.ts'
import { checkWritable } from '../whole-file.ts'

export type ReportWords = {
  readonly run: string
  readonly format?: string
  readonly output?: string
}

const LAST: Last = { fits: () => true, none: 'nothing was run from here yet' }

/** Tells a run from its record, in the format that is asked for. Contacts nobody. */
export async function reportCommand(words: ReportWords, terminal: Terminal): Promise<ExitCode> {
  const { output } = words
  const store = openStore(terminal)
  const { format, run } = await checkAll({
    format: () => formatAmong(REPORTS, words),
    output: () => checkWritable(output),
    run: () => findRun(store, words.run, LAST, terminal),
  })
  const { runs } = await kept(async () => await store.list())
  const recorded = { run, later: runs.filter(({ of }) => of === run.id).reverse() }
  await deliver(output, (paper) => REPORTS[format].write(recorded, paper), terminal)
  return EXIT.asWanted
}
