import type { Change } from '../../model/change.ts'
import type { Plan } from '../../model/plan.ts'
import type { Run, RunSummary } from '../../model/run.ts'
import { isSealed } from '../../plan/seal.ts'
import { visible } from '../../report/format.ts'
import { rollbackHost } from '../../run/rollback-host.ts'
import { newRunId } from '../../store/run-id.ts'
import { stillApplied } from '../../store/standing.ts'
import type { Found, RunStore } from '../../store/store.ts'
import { formatFrom } from '../arguments.ts'
import { changeFleet, checkApproval } from '../change-fleet.ts'
import { checkAll, complainAbout } from '../checks.ts'
import type { ExitCode } from '../exit-code.ts'
import { type PaceWords, rollbackPaceFrom } from '../pace.ts'
import { CHANGING, forksFrom } from '../parallel.ts'
import { kept, requester, storeToWrite } from '../state.ts'
import { inventoryOf, usableHosts } from '../targets.ts'
import type { Terminal } from '../terminal.ts'

export type RollbackWords = PaceWords & {
  readonly run: string
  readonly limit: string | undefined
  readonly yes: boolean
  readonly format: string
  readonly forks: string | undefined
}

export async function rollbackCommand(words: RollbackWords, terminal: Terminal): Promise<ExitCode> {
  const { found, format, parallel, pace } = await checkAll({
    approval: () => checkApproval(words.yes, terminal),
    found: () => findApplied(words, terminal),
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, CHANGING),
    pace: () => rollbackPaceFrom(words),
  })
  const { store, run, applied } = found
  const byHost = new Map(applied.map((result) => [result.host, result]))
  const startedAt = new Date()
  return await changeFleet(
    {
      title: 'Taking back',
      results: applied.map(({ host, plan }) => ({ host, status: 'planned', plan })),
      shown: backwards,
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
        if (result === undefined) throw new Error(`run ${run.id} applied nothing to ${host.name}`)
        return await rollbackHost(result, telling)
      },
      parallel,
      pace,
      format,
      yes: words.yes,
      acceptsSessionLoss: true,
    },
    store,
    terminal,
  )
}

async function findApplied({ run: wanted, limit }: RollbackWords, terminal: Terminal) {
  const store = await storeToWrite(terminal)
  const { run, damaged } = await findRun(store, wanted)
  terminal.say(damaged.map(({ place, why }) => visible(`${place} ${why}; it is left out`)))
  const { runs } = await kept(() => store.list())
  const left = stillApplied(run.id, run.results, runs, new Date())
  if (left.length === 0) throw complainAbout(run.id, nothingLeft(run), nextMove(run, runs))
  const altered = left.find(({ plan }) => !isSealed(plan))
  if (altered !== undefined) {
    const hint = `on the host itself: sh /var/lib/ctfleet/${altered.transaction}/undo`
    throw complainAbout(
      run.id,
      `the record of ${altered.host} is not as it was written: its digest does not match`,
      hint,
    )
  }
  const hosts = await usableHosts(
    inventoryOf(
      `run ${run.id}`,
      left.map(({ plan }) => plan.host),
    ),
    limit,
  )
  const chosen = new Set(hosts.map(({ name }) => name))
  return { store, run, applied: left.filter(({ host }) => chosen.has(host)) }
}

async function findRun(store: RunStore, wanted: string): Promise<Extract<Found, { readonly type: 'found' }>> {
  const found = await kept(() => store.load(wanted))
  switch (found.type) {
    case 'found':
      if (found.run.command === 'apply') return found
      throw complainAbout(
        wanted,
        `this run is itself a ${found.run.command}, of ${found.run.of ?? 'another run'}`,
        'to change the hosts again: ctfleet apply',
      )
    case 'none':
      throw complainAbout(
        wanted,
        wanted === 'last' ? 'nothing that was applied from here still stands' : 'no run has this id',
        'see which there are: ctfleet runs',
      )
    case 'several':
      throw complainAbout(
        wanted,
        `several runs begin like this: ${found.ids.slice(0, 5).join(', ')}`,
        'type more of the id',
      )
    case 'damaged':
      throw complainAbout(
        found.place,
        found.why,
        'its hosts can be taken back one by one, on each host: sh /var/lib/ctfleet/TRANSACTION/undo',
      )
  }
}

function nothingLeft({ id, endedAt, results }: Run): string {
  if (endedAt === null) return 'this run was cut off before it knew how its hosts ended, or it is still under way'
  return results.some(({ status }) => status === 'applied')
    ? `all that run ${id} applied was taken back already`
    : 'this run applied nothing that could be taken back'
}

function nextMove(run: Run, runs: readonly RunSummary[]): string {
  return run.endedAt === null
    ? `if no ctfleet is at it any more, close it first: ctfleet resume ${run.id}`
    : nextRun(runs)
}

function nextRun(runs: readonly RunSummary[]): string {
  const other = runs.find(
    (run) => run.command === 'apply' && stillApplied(run.id, run.hosts, runs, new Date()).length > 0,
  )
  return other === undefined
    ? 'see what was run: ctfleet runs'
    : `the newest run that still stands: ctfleet rollback ${other.id}`
}

/** A plan as its undo is shown: changes in reverse order, each with its two sides swapped. For reading only. */
function backwards(plan: Plan): Plan {
  const changes = plan.changes.map(takenBack).reverse()
  const { sessionLoss = [], ...rest } = plan
  return {
    ...rest,
    changes,
    kept: [],
    considered: [],
    findings: [],
    notes: sessionLoss,
    gates: [{ gate: 'reads-back' }],
  }
}

function takenBack(change: Change): Change {
  const { title, before, after, shown, volatile } = change
  // What moves by itself (entries of the table) does not come back to what it was.
  const swapped = volatile ? { before: [], after: [] } : { before: shown.after, after: shown.before }
  return { ...change, title: `take back: ${title}`, before: after, after: before, shown: swapped, notes: [] }
}
