import type { RunSummary } from '../../model/run.ts'
import { visible } from '../../report/format.ts'
import { auditsJson } from '../../report/json/audits.ts'
import { runsJson } from '../../report/json/runs.ts'
import { jsonText } from '../../report/json/text.ts'
import { auditsText } from '../../report/text/audits.ts'
import { runsText } from '../../report/text/runs.ts'
import { stillApplied } from '../../store/standing.ts'
import type { Damaged } from '../../store/store.ts'
import { formatFrom } from '../arguments.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { openHistory } from '../history.ts'
import { checkSearchable, recordPlace } from '../record-place.ts'
import { kept, openStore } from '../state.ts'
import type { Terminal } from '../terminal.ts'

export type RunsWords = { readonly audits?: boolean; readonly format: string }

export async function runsCommand(words: RunsWords, terminal: Terminal): Promise<ExitCode> {
  const format = formatFrom(words.format)
  await checkSearchable()
  return words.audits === true ? await listAudits(format, terminal) : await listRuns(format, terminal)
}

async function listRuns(format: 'text' | 'json', terminal: Terminal): Promise<ExitCode> {
  const { runs, damaged } = await kept(async () => await openStore(terminal).list())
  const standing = standingOf(runs)
  const counts = new Map([...standing].map(([id, hosts]) => [id, hosts.length]))
  if (format === 'json') terminal.printText(jsonText(runsJson(runs, standing)))
  else terminal.print(runsText(terminal.paper, runs, visible(recordPlace()), counts))
  sayDamaged(damaged, terminal)
  return EXIT.asWanted
}

async function listAudits(format: 'text' | 'json', terminal: Terminal): Promise<ExitCode> {
  const { audits, damaged } = await kept(async () => await openHistory(terminal).audits({}))
  if (format === 'json') terminal.printText(jsonText(auditsJson(audits)))
  else terminal.print(auditsText(terminal.paper, audits, recordPlace()))
  sayDamaged(damaged, terminal)
  return EXIT.asWanted
}

function sayDamaged(damaged: readonly Damaged[], terminal: Terminal): void {
  terminal.say(damaged.map(({ place, why }) => `${visible(place)} ${visible(why)}; it was skipped`))
}

/** Of each apply the hosts on which it still stands, by what the record has seen. */
function standingOf(runs: readonly RunSummary[]): ReadonlyMap<string, readonly string[]> {
  const now = new Date()
  return new Map(
    runs
      .filter(({ command }) => command === 'apply')
      .map(({ id, hosts }) => [id, stillApplied(id, hosts, runs, now).map(({ host }) => host)]),
  )
}
