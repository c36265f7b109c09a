import type { HostResult } from '../../model/result.ts'
import type { Run } from '../../model/run.ts'
import { resultsJson } from '../../report/json/plan.ts'
import { jsonText } from '../../report/json/text.ts'
import { resultText } from '../../report/text/result.ts'
import { names } from '../../report/text/status.ts'
import { forgetWork } from '../../run/at-work.ts'
import { requester } from '../../run/requester.ts'
import { newRunId } from '../../store/run-id.ts'
import { stillOpen } from '../../store/standing.ts'
import type { RunStore } from '../../store/store.ts'
import { askForAccess } from '../access.ts'
import type { AccessWords } from '../access-words.ts'
import { formatFrom } from '../arguments.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { checkLeftAlone, closeHost, endIfClosed, failuresOf, isUnended, locate, orRemember } from '../closing.ts'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-code.ts'
import { findRun, type Last } from '../find-run.ts'
import { runPhase } from '../fleet-phase.ts'
import { CHANGING, forksFrom } from '../parallel.ts'
import { kept, storeToWrite } from '../state.ts'
import type { Terminal } from '../terminal.ts'

export type ResumeWords = AccessWords & {
  readonly run: string
  readonly limit: string | undefined
  readonly format: string
  readonly forks: string | undefined
}

const LAST: Last = {
  fits: ({ id, command, endedAt, hosts }, runs) =>
    endedAt === null || (command !== 'resume' && stillOpen(id, hosts, runs).length > 0),
  none: 'every run from here has ended, and no host of any needs hands',
}

/** Asks each host of a run that was cut off how it ended, and closes what is open: nothing is left in between. */
export async function resumeCommand(words: ResumeWords, terminal: Terminal): Promise<ExitCode> {
  const { found, format, parallel } = await checkAll({
    found: () => findOpen(words, terminal),
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, CHANGING),
  })
  const { store, run, open, lost, neverBegun } = found
  await askForAccess(
    open.map(({ host }) => host),
    words,
  )
  const startedAt = new Date().toISOString()
  const problems: string[] = []
  if (neverBegun.length > 0) await kept(async () => await store.record(run.id, neverBegun))
  const closed =
    open.length === 0
      ? []
      : await runPhase(
          {
            title: 'Closing',
            hosts: open,
            parallel,
            story: async ({ result, host }, telling): Promise<HostResult> =>
              await closeHost({ store, run, result, host, problems }, telling),
            onLeaving: [`What is still open is closed by the same words again: ctfleet resume ${run.id}`],
          },
          terminal,
        )
  const results = [...neverBegun, ...closed, ...lost]
  const silent = closed.filter(({ status }) => status === 'unreachable' || status === 'failed')
  if (format === 'json') terminal.printText(jsonText({ ...resultsJson(results), run: run.id }))
  else if (results.length > 0) terminal.print(resultText(terminal.paper, results))
  else terminal.print([`Nothing of run ${run.id} is open: how each of its hosts ended is on record.`])
  if (silent.length > 0) terminal.say(['', `When ${names(silent)} can be asked: ctfleet resume ${run.id}`])
  await orRemember(problems, async () => {
    await endIfClosed(store, run.id)
    if (closed.length > 0) await keepOwn(store, run, { startedAt, results: closed })
    if (silent.length + lost.length === 0) await forgetWork(run.id)
  })
  const [problem] = problems
  if (problem === undefined) return exitCodeOf(results)
  terminal.say(['', `The record of run ${run.id} is not whole: ${problem}`])
  terminal.say([`To ask again once it can be written: ctfleet resume ${run.id}`])
  return exitCodeOf(results) || EXIT.someFailed
}

async function findOpen(words: ResumeWords, terminal: Terminal) {
  const { run: wanted, limit } = words
  const store = await storeToWrite(terminal)
  const run = await findRun(store, wanted, LAST, terminal)
  if (run.command === 'resume') {
    throw complainAbout(wanted, 'this run is itself a resume', `the one that it closed: ctfleet resume ${run.of}`)
  }
  await checkLeftAlone(run, terminal)
  const { runs } = await kept(async () => await store.list())
  const standing = new Set(stillOpen(run.id, run.results, runs).map(({ host }) => host))
  const unended = run.results
    .filter(isUnended)
    .filter(({ host, status }) => status === 'under-way' || standing.has(host))
  const planned = run.endedAt === null ? run.results.filter((result) => result.status === 'planned') : []
  if (unended.length + planned.length === 0) return { store, run, open: [], lost: [], neverBegun: [] }
  const chosen = await locate(
    { place: `run ${run.id}`, inventory: run.inventory, words },
    [...unended, ...planned] satisfies readonly HostResult[],
    limit,
  )
  return {
    store,
    run,
    open: chosen.flatMap((one) =>
      'host' in one && isUnended(one.result)
        ? [{ name: one.host.name, groups: one.host.groups, result: one.result, host: one.host }]
        : [],
    ),
    lost: failuresOf(chosen.filter(({ result }) => isUnended(result))),
    neverBegun: chosen.flatMap(({ result }) => (isUnended(result) ? [] : [notBegun(result.host)])),
  }
}

function notBegun(host: string): HostResult {
  return { host, status: 'not-reached', why: 'ctfleet went away before its turn, so nothing was begun' }
}

/** Who closed it, and what came of it, as a run of its own; only once it is over, so that no resume needs another. */
async function keepOwn(
  store: RunStore,
  { id: of, inventory }: Run,
  { startedAt, results }: { readonly startedAt: string; readonly results: readonly HostResult[] },
): Promise<void> {
  const endedAt = new Date().toISOString()
  const id = newRunId(new Date(startedAt))
  const own = { id, command: 'resume', startedAt, endedAt, by: requester(), inventory, of, results } as const
  await store.save(own)
}
