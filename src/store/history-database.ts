import { join } from 'node:path'
import { keepAudit, listAudits, loadAudit, newestDue, newestOf } from './audits.ts'
import { claim, hold, latest } from './claims.ts'
import { databaseFile, type Waits } from './database-file.ts'
import type { HistoryStore } from './history.ts'
import { BESIDES, boundsAt, isDue, isImplausible } from './retention.ts'
import { firstSample, keepSamples, readLastSamples, readSeries, seriesNames } from './samples.ts'
import { lastSweep, lastSweepOrRun, sweepStep } from './sweep.ts'

/**
 * Audits, samples and due times, in the same file as the runs. Several programs may use it at once.
 * @param tell hears, in a sentence, what was found damaged and set aside.
 * @param waits how long others are waited for: a minute.
 */
export function historyDatabase(
  state: string,
  tell: (sentence: string) => void,
  waits: Partial<Waits> = {},
): HistoryStore {
  const file = databaseFile(join(state, 'ctfleet.db'), tell, waits)
  const { path, change, look } = file
  const sweep: HistoryStore['sweep'] = async (before, milliseconds) => {
    const deadline = Date.now() + milliseconds
    const told = new Set<string>()
    let swept = { runs: 0, audits: 0, samples: 0, isWhole: false }
    do {
      const step = await change((database) => sweepStep(database, path, before, (sentence) => told.add(sentence)))
      swept = {
        runs: swept.runs + step.runs,
        audits: swept.audits + step.audits,
        samples: swept.samples + step.samples,
        isWhole: step.isWhole,
      }
    } while (!swept.isWhole && Date.now() < deadline)
    for (const sentence of told) tell(sentence)
    return swept
  }
  /** By the time of what was just kept; what was kept stays so, whatever comes of this. */
  const sweepIfDue = async (now: Date) => {
    try {
      if (!isDue(await look(lastSweep), now)) return
      const known = await look(lastSweepOrRun)
      if (isImplausible(known, now)) tell(notBelieved(known ?? '', now))
      else await sweep(boundsAt(now), BESIDES)
    } catch (error) {
      tell(`what is old in ${path} was not swept out: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return {
    async keepAudit(audit, samples) {
      const isKept = await change((database) => {
        if (!keepAudit(database, audit)) return false
        keepSamples(database, samples)
        return true
      })
      await sweepIfDue(new Date(audit.endedAt))
      return isKept
    },
    async audits(chosen) {
      return (await look((database) => listAudits(database, path, chosen))) ?? { audits: [], damaged: [] }
    },
    async loadAudit(wanted) {
      return (await look((database) => loadAudit(database, path, wanted))) ?? { type: 'none' }
    },
    async lastOf(series) {
      return (await look((database) => newestOf(database, path, series))) ?? { type: 'none' }
    },
    async newestDue(schedule, until) {
      return await look((database) => newestDue(database, schedule, until))
    },
    async keepSamples(samples) {
      const [first] = samples
      if (first === undefined) return
      await change((database) => keepSamples(database, samples))
      await sweepIfDue(new Date(first.at))
    },
    async lastSamples(inventory) {
      return (await look((database) => readLastSamples(database, inventory))) ?? []
    },
    async firstSample(chosen) {
      return await look((database) => firstSample(database, chosen))
    },
    async seriesNames(chosen) {
      return (await look((database) => seriesNames(database, chosen))) ?? []
    },
    async *series(chosen) {
      const names = (await look((database) => seriesNames(database, chosen))) ?? []
      for (let at = 0; at < names.length; ) {
        const part = await look((database) => readSeries(database, names.slice(at), chosen.since))
        // Somebody found the file damaged meanwhile, and set it aside.
        if (part === null) return
        at += part.length
        yield* part.filter((samples) => samples.length > 0)
      }
    },
    async claim(wanted) {
      return await change((database) => claim(database, wanted))
    },
    async hold(held) {
      return await change((database) => hold(database, held))
    },
    async latest(schedule, now) {
      return await look((database) => latest(database, schedule, now))
    },
    sweep,
    async lastSweep() {
      return (await look((database) => lastSweep(database))) ?? null
    },
  }
}

function notBelieved(known: string, now: Date): string {
  const [before, today] = [known.slice(0, DATE), now.toISOString().slice(0, DATE)]
  return (
    `What is old was not swept out: it is ${today} by the clock of this machine, and was ${before} when the record was last ` +
    'swept or run from. If the clock is right: ctfleet history sweep'
  )
}

/** What of `2026-11-26T09:42:00.000Z` is its date. */
const DATE = 10
