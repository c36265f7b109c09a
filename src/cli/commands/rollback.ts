import type { Plan } from '../../model/plan.ts'
import type { HostResult } from '../../model/result.ts'
import type { Run, RunSummary } from '../../model/run.ts'
import { backwards } from '../../report/backwards.ts'
import { visible } from '../../report/format.ts'
import { workText } from '../../report/text/work.ts'
import { requester } from '../../run/requester.ts'
import { rollbackHost } from '../../run/rollback-host.ts'
import type { Telling } from '../../run/story.ts'
import { newRunId } from '../../store/run-id.ts'
import { stillApplied, stillOpen } from '../../store/standing.ts'
import type { RunStore } from '../../store/store.ts'
import { askForAccess } from '../access.ts'
import type { AccessWords } from '../access-words.ts'
import { formatFrom } from '../arguments.ts'
import { changeFleet, checkApproval } from '../change-fleet.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { checkLeftAlone, closeHost, endIfClosed, failuresOf, locate, orRemember } from '../closing.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { findRun, type Last } from '../find-run.ts'
import { type PaceWords, rollbackPaceFrom } from '../pace.ts'
import { CHANGING, forksFrom } from '../parallel.ts'
import { kept, storeToWrite } from '../state.ts'
import type { Terminal } from '../terminal.ts'

export type RollbackWords = AccessWords &
  PaceWords & {
    readonly run: string | undefined
    readonly limit: string | undefined
    readonly yes: boolean
    readonly format: string
    readonly forks: string | undefined
  }

const LAST: Last = {
  fits: (run, runs) => run.command === 'apply' && standingHosts(run.id, run.hosts, runs).length > 0,
  none: 'nothing that was applied from here still stands',
  hint: 'see what was run: ctfleet runs; applied by somebody else, or from elsewhere: ctfleet rollback --from-hosts INVENTORY',
}

export async function rollbackCommand(words: RollbackWords, terminal: Terminal): Promise<ExitCode> {
  const { found, format, parallel, pace } = await checkAll({
    found: () => findStanding(words, terminal),
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, CHANGING),
    pace: () => rollbackPaceFrom(words),
  })
  // Where there is nothing to take back nobody is sent off to add --yes.
  checkApproval(words.yes, terminal)
  const { store, run, standing, lost } = found
  await askForAccess(
    standing.map(({ plan }) => plan.host),
    words,
  )
  const problems: string[] = []
  const byHost = new Map(standing.map((result) => [result.host, result]))
  const startedAt = new Date()
  const code = await changeFleet(
    {
      title: 'Taking back',
      results: [...standing.map(({ host, plan }): HostResult => ({ host, status: 'planned', plan })), ...lost],
      shown: toTakeBack,
      question: ({ host, plan }) => {
        const transaction = byHost.get(host)?.transaction ?? ''
        return `${visible(host)}: ${workText(plan)} (transaction ${transaction})?`
      },
      run: {
        id: newRunId(startedAt),
        command: 'rollback',
        startedAt: startedAt.toISOString(),
        by: requester(),
        inventory: run.inventory,
        of: run.id,
      },
      story: async ({ host }, telling) => {
        const result = byHost.get(host.name)
        if (result === undefined) throw new Error(`run ${run.id} has nothing to take back on ${host.name}`)
        return await takeBack({ store, run, result, problems }, telling)
      },
      parallel,
      pace,
      format,
      access: words,
      yes: words.yes,
      acceptsSessionLoss: true,
    },
    store,
    terminal,
  )
  if (run.endedAt === null) await orRemember(problems, async () => await endIfClosed(store, run.id))
  const [problem] = problems
  if (problem === undefined) return code
  terminal.say([`The record of run ${run.id} is not whole: ${problem}`])
  return code || EXIT.someFailed
}

/** As a person is asked about it. */
function toTakeBack(plan: Plan): Plan {
  const back = backwards(plan)
  return { ...back, notes: [...back.notes, 'Every change is read again afterwards: it has to be as it was before'] }
}

/** What a change may still be in force by, with the plan that it was made by. */
type StandingResult = Extract<HostResult, { readonly status: 'applied' | 'under-way' | 'needs-hands' }> & {
  readonly plan: Plan
}

type TakingBack = {
  readonly store: RunStore
  readonly run: Run
  readonly result: StandingResult
  readonly problems: string[]
}

async function takeBack({ store, run, result, problems }: TakingBack, telling: Telling): Promise<HostResult> {
  const { host, plan, transaction } = result
  if (result.status !== 'under-way') return await rollbackHost(result, telling)
  // First how it ended, since it may have taken itself back.
  await telling.onTransaction?.(transaction)
  const closed = await closeHost({ store, run, result, host: plan.host, problems }, telling)
  if (closed.status === 'applied') return await rollbackHost(closed, telling)
  const isAsBefore = closed.status === 'rolled-back' || closed.status === 'not-reached'
  return isAsBefore ? { host, status: 'rolled-back', plan, transaction, fault: null } : closed
}

async function findStanding(words: RollbackWords, terminal: Terminal) {
  const { run: wanted, limit } = words
  if (wanted === undefined) {
    const hint = 'ctfleet rollback last; where no record is left: ctfleet rollback --from-hosts INVENTORY'
    throw complainAbout('rollback', 'it is not said which run to take back', hint)
  }
  const store = await storeToWrite(terminal)
  const run = await findRun(store, wanted, LAST, terminal)
  if (run.command !== 'apply') {
    throw complainAbout(
      wanted,
      `this run is itself a ${run.command}, of ${run.of ?? 'what hosts told by themselves'}`,
      'to change the hosts again: ctfleet apply',
    )
  }
  await checkLeftAlone(run, terminal)
  const { runs } = await kept(() => store.list())
  const left = standingHosts(run.id, run.results, runs).filter(hasPlan)
  if (left.length === 0) throw complainAbout(run.id, nothingLeft(run), nextRun(runs))
  const chosen = await locate({ place: `run ${run.id}`, inventory: run.inventory, words }, left, limit)
  return {
    store,
    run,
    standing: chosen.flatMap((one) => ('host' in one ? [one.result] : [])),
    lost: failuresOf(chosen),
  }
}

function standingHosts<R extends Parameters<typeof stillApplied>[1][number]>(
  id: string,
  hosts: readonly R[],
  runs: readonly RunSummary[],
): readonly (R & { readonly status: StandingResult['status'] })[] {
  const standing = new Set<R>([...stillApplied(id, hosts, runs, null), ...stillOpen(id, hosts, runs)])
  return hosts.filter((host): host is R & { readonly status: StandingResult['status'] } => standing.has(host))
}

function hasPlan(result: HostResult): result is StandingResult {
  return 'plan' in result && result.plan !== null
}

function nothingLeft({ id, endedAt, results }: Run): string {
  if (endedAt === null) return 'this run was cut off before it began with any host'
  return results.some(({ status }) => status === 'applied')
    ? `all that run ${id} applied was taken back already`
    : 'this run applied nothing that could be taken back'
}

function nextRun(runs: readonly RunSummary[]): string {
  const other = runs.find((run) => LAST.fits(run, runs))
  return other === undefined
    ? 'see what was run: ctfleet runs'
    : `the newest run that still stands: ctfleet rollback ${other.id}`
}
