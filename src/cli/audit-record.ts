import type { AuditReport } from '../model/audit.ts'
import type { Sample } from '../model/history.ts'
import { requester } from '../run/requester.ts'
import { newSampler, type Sampler } from '../run/sampling.ts'
import type { AuditFound } from '../store/history.ts'
import { newRunId } from '../store/run-id.ts'
import { openHistory, orSay, seriesOf } from './history.ts'
import { kept } from './state.ts'
import type { TargetWords } from './targets.ts'
import type { Terminal } from './terminal.ts'

type AuditSeriesWords = TargetWords & { readonly policy?: string | undefined; readonly where?: string | undefined }

/** What one audit that a person asked for has to do with the record. */
export type AuditRecord = {
  readonly sampler: Sampler
  /** The one before, of the same hosts and policy. @throws InputError where the record cannot be read: it was asked for. */
  readonly last: () => Promise<AuditFound>
  /** What the last audit read of each host; undefined, and said, where the record cannot be read. */
  readonly earlier: () => Promise<ReadonlyMap<string, Sample> | undefined>
  /**
   * Never rejects: an audit that is not kept is an audit all the same, and that it is not is said. One that was lost on its way
   * into a file is not kept: the next one would be compared with it, and never tell what it found. What it read of the tables
   * stays.
   */
  readonly keep: (
    audit: {
      readonly startedAt: string
      readonly endedAt: string
      readonly report: AuditReport
      readonly lostOn: LostOn
    },
    say: Terminal['say'],
  ) => Promise<void>
}

const COMPARED = 'the next --since-last is compared with the one before.'
const NOT_TOLD = {
  file: `Its file could not be written, so this audit is printed here, and not kept: ${COMPARED}`,
  stdout: `It could not be printed whole, so this audit is not kept: ${COMPARED}`,
}

/** Null: it got through, or is kept before whoever reads it does. */
export type LostOn = keyof typeof NOT_TOLD | null

export function auditRecord(words: AuditSeriesWords, terminal: Terminal): AuditRecord {
  const series = seriesOf(words)
  const history = openHistory(terminal)
  const sampler = newSampler(series.inventory)
  return {
    sampler,
    last: async () => await kept(async () => await history.lastOf(series)),
    async earlier() {
      const what = 'Whether packets were lost since the last audit was not asked'
      const samples = await orSay(terminal, what, async () => await history.lastSamples(series.inventory))
      return samples === null ? undefined : new Map(samples.map((sample) => [sample.host, sample]))
    },
    async keep({ startedAt, endedAt, report, lostOn }, say) {
      if (lostOn !== null) say([NOT_TOLD[lostOn]])
      await orSay({ ...terminal, say }, 'This audit was not kept', async () => {
        // Whoever stopped it does not want it to be what the next one is compared with.
        if (lostOn !== null || report.results.some(({ status }) => status === 'not-reached'))
          return await history.keepSamples(sampler.taken())
        const id = newRunId(new Date(startedAt))
        await history.keepAudit(
          { id, startedAt, endedAt, by: requester(), ...series, due: null, report },
          sampler.taken(),
        )
      })
    },
  }
}
