import { duration } from '../../diagnosis/numbers.ts'
import { selectHosts } from '../../inventory/select-hosts.ts'
import type { Plan } from '../../model/plan.ts'
import type { HostResult } from '../../model/result.ts'
import { applyHost } from '../../run/apply-host.ts'
import { type KeptSessions, keptSessions } from '../../run/kept-sessions.ts'
import { planFleet } from '../../run/plan-fleet.ts'
import { requester } from '../../run/requester.ts'
import { newSampler } from '../../run/sampling.ts'
import { watchPlan } from '../../run/wave-gate.ts'
import type { Sifted } from '../../run/where.ts'
import { newRunId } from '../../store/run-id.ts'
import { askForAccess } from '../access.ts'
import type { Planned } from '../approve.ts'
import { type ApproveFile, readApproveFile, type SavedIds } from '../approve-file.ts'
import { formatFrom, secondsFrom } from '../arguments.ts'
import { changeFleet, checkApproval } from '../change-fleet.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { askedBy, askedOf, checkWindow, type Gated } from '../confirm-window.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { conductOn } from '../fleet-phase.ts'
import { inventoryName, keepSamples } from '../history.ts'
import { type PaceWords, paceFrom } from '../pace.ts'
import { CHANGING, forksFrom, READING } from '../parallel.ts'
import { failedOf, saveFailed } from '../save-failed.ts'
import { isSavedPlan, readSavedPlan } from '../saved-plan.ts'
import { storeToWrite } from '../state.ts'
import { choosable, type TargetWords, targetsFrom, usable } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { checkWritable } from '../whole-file.ts'
import { type WishWords, wishFrom, wishOptionsIn } from '../wish.ts'

export type ApplyWords = TargetWords &
  WishWords &
  PaceWords & {
    readonly yes: boolean
    readonly approveFile?: string | undefined
    readonly acceptSessionLoss: boolean
    readonly confirmWithin: string
    readonly for: string | undefined
    readonly format: string
    readonly forks: string | undefined
    readonly saveFailed?: string | undefined
  }

/** What to apply: plans as they were saved, or hosts to plan first. */
type Source = {
  readonly inventory: string
  readonly asked: readonly Gated[]
  readonly plan: (terminal: Terminal, kept: KeptSessions) => Promise<Sifted<HostResult>>
  /** Null where hosts are planned first. */
  readonly saved: SavedIds | null
  /** Plans a host with another strategy; null where what was chosen is not to be chosen again. */
  readonly another: ((terminal: Terminal, planned: Planned, strategy: string) => Promise<HostResult | null>) | null
}

export async function applyCommand(words: ApplyWords, terminal: Terminal): Promise<ExitCode> {
  const { source, format, parallel, pace, confirmWithinSeconds, keepSeconds, store, file } = await checkAll({
    source: () => sourceFrom(words),
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, CHANGING),
    pace: () => paceFrom(words),
    confirmWithinSeconds: () => secondsFrom('--confirm-within', words.confirmWithin, { least: 10, most: 3600 }),
    keepSeconds: () => (words.for === undefined ? null : secondsFrom('--for', words.for, KEPT)),
    store: () => storeToWrite(terminal),
    approval: () => checkApproval(words.yes || words.approveFile !== undefined, terminal),
    file: () => approveFileFrom(words),
    saveFailed: () => checkWritable(words.saveFailed, '--save-failed'),
  })
  const { another, saved } = source
  const listed = listedFrom(file, saved)
  checkWindow(confirmWithinSeconds, source.asked)
  checkKept(keepSeconds, pace.pauseSeconds)
  const startedAt = new Date()
  const id = newRunId(startedAt)
  const by = requester()
  await using kept = keptSessions()
  const { results: planned, ...others } = await source.plan(terminal, kept)
  const wanted = (result: HostResult) => (keepSeconds === null ? result : withoutFiles(result))
  const results = planned.map(wanted)
  const code = await changeFleet(
    {
      title: 'Applying',
      results,
      ...(words.where === undefined ? {} : { others }),
      shown: keepSeconds === null ? (plan) => plan : (plan) => keptFor(plan, keepSeconds),
      run: {
        id,
        command: 'apply',
        startedAt: startedAt.toISOString(),
        by,
        inventory: source.inventory,
        of: null,
      },
      story: (plan, telling) =>
        applyHost(plan, { asker: { run: id, by }, confirmWithinSeconds, keepSeconds }, { ...telling, kept }),
      watch: watchPlan,
      parallel,
      pace,
      format,
      access: words,
      yes: words.yes,
      listed,
      ...(another === null
        ? {}
        : {
            another: async (one, strategy, on) => {
              const result = await another(on, one, strategy)
              return result === null ? null : wanted(result)
            },
          }),
      acceptsSessionLoss: words.acceptSessionLoss,
      onEnded: async (ended) =>
        await saveFailed(words.saveFailed, [...failedOf(ended), ...others.unsure.map(({ host }) => host)]),
    },
    store,
    terminal,
  )
  // Hosts that may be meant were left as they are.
  return code === EXIT.asWanted && others.unsure.length > 0 ? EXIT.someFailed : code
}

function approveFileFrom({ approveFile, yes, inventory }: ApplyWords): ApproveFile | null {
  if (approveFile === undefined) return null
  if (yes) throw complainAbout('--approve-file', '--yes says yes to every host already', 'leave one of the two out')
  return readApproveFile(approveFile, inventory)
}

/** A plan that is made now has an id that nobody can have approved. */
function listedFrom(file: ApproveFile | null, saved: SavedIds | null) {
  if (file === null) return null
  if (saved !== null) return { file, saved }
  const hint = 'ctfleet plan -o plan.json; have it approved; ctfleet apply plan.json --approve-file FILE'
  throw complainAbout('--approve-file', 'it names plans that were made before, and this would make new ones', hint)
}

/** From a minute, which is the least that a person can look at, to a week: first aid that stays longer is no first aid. */
const KEPT = { least: 60, most: 604_800 }

/** A change that is over when it is asked again would be taken for one that somebody undid. */
function checkKept(keepSeconds: number | null, pauseSeconds: number): void {
  if (keepSeconds === null || keepSeconds > 2 * pauseSeconds) return
  const message = `${duration(keepSeconds)} are too few with a pause of ${duration(pauseSeconds)} after each wave: the first hosts would be as before while others are not changed yet`
  throw complainAbout('--for', message, `--for more than ${duration(2 * pauseSeconds)}, or a shorter --pause`)
}

/** A plan as it is shown when it is first aid: files are not written, and it ends by itself. For reading only. */
function keptFor(plan: Plan, seconds: number): Plan {
  const changes = plan.changes.filter(({ phase }) => phase === 'runtime')
  const files = changes.length < plan.changes.length ? '; files are not written' : ''
  return {
    ...plan,
    changes,
    notes: [`It takes itself back ${duration(seconds)} after it was applied${files}`, ...plan.notes],
  }
}

/** Where files are all that is missing, first aid has nothing to do. */
function withoutFiles(result: HostResult): HostResult {
  if (result.status !== 'planned' || result.plan.changes.some(({ phase }) => phase === 'runtime')) return result
  return { host: result.host, status: 'already-right', plan: result.plan }
}

async function sourceFrom(words: ApplyWords): Promise<Source> {
  const named = words.inventory ?? words.inventoryOption
  if (named !== undefined && (await isSavedPlan(named))) return await savedSource(named, words)
  const { targets, wish, parallel } = await checkAll({
    targets: () => targetsFrom(words),
    wish: () => wishFrom(words),
    // A mistake in it is named once, by the check for the change itself.
    parallel: () => (/^\d+$/.test(words.forks ?? '') ? forksFrom(words.forks, READING) : READING),
  })
  return {
    inventory: targets.inventory,
    asked: askedBy(wish),
    plan: async (terminal, kept) => {
      await askForAccess(targets.hosts, words)
      const sampler = newSampler(inventoryName(words))
      const planned = await planFleet(targets, { wish, parallel, kept }, sampler.over(conductOn(terminal)))
      await keepSamples(sampler, terminal)
      return planned
    },
    saved: null,
    // Who named a strategy has chosen, and the other playbooks' gates were not checked.
    another:
      wish.strategy !== 'auto'
        ? null
        : async (terminal, { plan }, strategy) => {
            const one = { hosts: [plan.host], setAside: [] }
            const { results } = await planFleet(one, { wish: { ...wish, strategy }, parallel: 1 }, conductOn(terminal))
            return results[0] ?? null
          },
  }
}

async function savedSource(path: string, words: ApplyWords): Promise<Source> {
  const { document } = await checkAll({
    document: () => readSavedPlan(path),
    options: () => {
      const [first] = wishOptionsIn(words)
      if (first !== undefined)
        throw complainAbout(
          first,
          `${path} is a saved plan, which has its ${first === '--where' ? 'hosts' : 'strategy'} already`,
          first === '--where'
            ? 'choose among its hosts by --limit, or name an inventory'
            : 'leave it out, or name an inventory',
        )
    },
  })
  const hosts = document.hosts.flatMap((result) => (result.status === 'planned' ? [result.plan.host] : []))
  const meant = await usable(selectHosts(choosable(path, hosts), words.limit), words)
  const chosen = new Set(meant.map(({ name }) => name))
  return {
    inventory: document.inventory,
    asked: askedOf(document.hosts),
    // Those with nothing to change stay what the plan found them to be; a limit is about those that have.
    plan: async () => {
      await askForAccess(meant, words)
      const results = document.hosts.filter(({ host }) => words.limit === undefined || chosen.has(host))
      return { results, leftOut: [], unsure: [] }
    },
    saved: {
      id: document.id,
      plans: document.hosts.flatMap((result) => (result.status === 'planned' ? [result.plan.id] : [])),
    },
    another: null,
  }
}
