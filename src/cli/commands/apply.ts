import type { HostResult } from '../../model/result.ts'
import { applyHost } from '../../run/apply-host.ts'
import { newRunId } from '../../store/run-id.ts'
import { formatFrom, secondsFrom } from '../arguments.ts'
import { changeFleet, checkApproval } from '../change-fleet.ts'
import { checkAll, complainAbout } from '../checks.ts'
import type { ExitCode } from '../exit-code.ts'
import { CHANGING, forksFrom, READING } from '../parallel.ts'
import { planFleet } from '../plan-fleet.ts'
import { isSavedPlan, readSavedPlan } from '../saved-plan.ts'
import { requester, storeToWrite } from '../state.ts'
import { inventoryOf, type TargetWords, targetsFrom, usableHosts } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { type WishWords, wishFrom, wishOptionsIn } from '../wish.ts'

export type ApplyWords = TargetWords &
  WishWords & {
    readonly yes: boolean
    readonly confirmWithin: string
    readonly format: string
    readonly forks: string | undefined
  }

/** What to apply: plans as they were saved, or hosts to plan first. */
type Source = { readonly inventory: string; readonly plan: (terminal: Terminal) => Promise<readonly HostResult[]> }

export async function applyCommand(words: ApplyWords, terminal: Terminal): Promise<ExitCode> {
  const { source, format, parallel, confirmWithinSeconds, store } = await checkAll({
    approval: () => checkApproval(words.yes, terminal),
    source: () => sourceFrom(words),
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, CHANGING),
    confirmWithinSeconds: () => secondsFrom('--confirm-within', words.confirmWithin, { least: 10, most: 3600 }),
    store: storeToWrite,
  })
  const startedAt = new Date()
  const results = await source.plan(terminal)
  return await changeFleet(
    {
      title: 'Applying',
      results,
      shown: (plan) => plan,
      run: {
        id: newRunId(startedAt),
        command: 'apply',
        startedAt: startedAt.toISOString(),
        by: requester(),
        inventory: source.inventory,
        of: null,
      },
      story: (plan, telling) => applyHost(plan, { confirmWithinSeconds }, telling),
      parallel,
      format,
      yes: words.yes,
    },
    store,
    terminal,
  )
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
    plan: async (terminal) => await planFleet(targets.hosts, { wish, parallel }, terminal),
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
          `${path} is a saved plan, which has its strategy already`,
          'leave it out, or name an inventory',
        )
    },
  })
  const hosts = document.hosts.flatMap((result) => (result.status === 'planned' ? [result.plan.host] : []))
  const chosen = new Set((await usableHosts(inventoryOf(path, hosts), words.limit)).map(({ name }) => name))
  return {
    inventory: document.inventory,
    // Those with nothing to change stay what the plan found them to be; a limit is about those that have.
    plan: async () => document.hosts.filter(({ host }) => words.limit === undefined || chosen.has(host)),
  }
}
