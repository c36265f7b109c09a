import { counted } from '../../diagnosis/numbers.ts'
import { boundsAt } from '../../store/retention.ts'
import { secondsFrom } from '../arguments.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { openHistory } from '../history.ts'
import { checkSearchable } from '../record-place.ts'
import { kept } from '../state.ts'
import type { Terminal } from '../terminal.ts'

export type SweepWords = { readonly olderThan: string | undefined }

const A_DAY = 86_400

/** Removes what is older than is kept, or than was said. */
export async function historySweepCommand({ olderThan }: SweepWords, terminal: Terminal): Promise<ExitCode> {
  const most =
    olderThan === undefined
      ? undefined
      : secondsFrom('--older-than', olderThan, { least: A_DAY, most: 4000 * A_DAY }) / A_DAY
  await checkSearchable()
  const { runs, audits, samples } = await kept(
    async () => await openHistory(terminal).sweep(boundsAt(new Date(), most), Number.POSITIVE_INFINITY),
  )
  const gone = [
    counted(runs, 'run', 'runs'),
    counted(audits, 'audit', 'audits'),
    counted(samples, 'reading', 'readings'),
  ]
  terminal.print([`Removed: ${gone.join(', ')}. Runs that still stand, or are open, stay.`])
  return EXIT.asWanted
}
