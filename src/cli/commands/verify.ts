import { existsSync } from 'node:fs'
import type { VerifyResult } from '../../model/verification.ts'
import { paragraph } from '../../report/format.ts'
import { jsonText } from '../../report/json/text.ts'
import { verificationJson } from '../../report/json/verification.ts'
import { names } from '../../report/text/status.ts'
import { verificationText } from '../../report/text/verification.ts'
import { type Applied, appliedLast, type Named } from '../../run/applied-last.ts'
import { verifyHost } from '../../run/verify-host.ts'
import { stillApplied } from '../../store/standing.ts'
import type { RunStore } from '../../store/store.ts'
import { askForAccess } from '../access.ts'
import type { AccessWords } from '../access-words.ts'
import { formatFrom } from '../arguments.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { failuresOf, locate } from '../closing.ts'
import { type ExitCode, exitCodeOfVerifying } from '../exit-code.ts'
import { findRun, type Last } from '../find-run.ts'
import { runPhase } from '../fleet-phase.ts'
import { forksFrom, READING } from '../parallel.ts'
import { kept, openStore } from '../state.ts'
import { targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'

export type VerifyWords = AccessWords & {
  /** A run, or an inventory; without it the inventory that all commands take. */
  readonly what: string | undefined
  readonly inventory: string | undefined
  readonly limit: string | undefined
  readonly afterReboot: boolean
  readonly format: string
  readonly forks: string | undefined
}

const LAST: Last = {
  fits: ({ id, command, hosts }, runs) => command === 'apply' && stillApplied(id, hosts, runs, new Date()).length > 0,
  none: 'nothing that was applied from here still stands',
  orFile: true,
}

/** Looks whether what was applied is in force. Changes nothing. */
export async function verifyCommand(words: VerifyWords, terminal: Terminal): Promise<ExitCode> {
  const { found, format, parallel } = await checkAll({
    found: () => findApplied(words, terminal),
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, READING),
  })
  await askForAccess(
    found.applied.map(({ plan }) => plan.host),
    words,
  )
  const looked =
    found.applied.length === 0
      ? []
      : await runPhase(
          {
            title: 'Looking',
            hosts: found.applied.map((result) => ({ ...result.plan.host, result })),
            parallel,
            story: async ({ result }, telling): Promise<VerifyResult> =>
              await verifyHost(result, words.afterReboot, telling),
            onlyReads: true,
            onLeaving: ['Nothing was changed.'],
          },
          terminal,
        )
  const results = [...looked, ...found.lost]
  if (format === 'json') terminal.printText(jsonText(verificationJson(results)))
  else terminal.print(verificationText(terminal.paper, results))
  return exitCodeOfVerifying(results)
}

type FoundApplied = { readonly applied: readonly Applied[]; readonly lost: readonly VerifyResult[] }

async function findApplied(words: VerifyWords, terminal: Terminal): Promise<FoundApplied> {
  const store = openStore(terminal)
  const { what } = words
  const isRun = what === 'last' || (what !== undefined && words.inventory === undefined && !existsSync(what))
  const { place, standing } = isRun ? await ofRun(store, what, terminal) : await ofInventory(store, words, terminal)
  const chosen = await locate({ place, inventory: place, words }, standing, isRun ? words.limit : undefined)
  return {
    applied: chosen.flatMap((one) => ('host' in one ? [one.result] : [])),
    lost: failuresOf(chosen),
  }
}

type InForce = { readonly place: string; readonly standing: readonly Applied[] }

async function ofRun(store: RunStore, wanted: string, terminal: Terminal): Promise<InForce> {
  const run = await findRun(store, wanted, LAST, terminal)
  if (run.command !== 'apply') {
    throw complainAbout(wanted, `this run is a ${run.command}, and applied nothing`, 'see which did: ctfleet runs')
  }
  const { runs } = await kept(async () => await store.list())
  const standing = stillApplied(run.id, run.results, runs, new Date())
  if (standing.length > 0) return { place: `run ${run.id}`, standing }
  const message = 'nothing that it applied still stands, as far as is known here'
  throw complainAbout(run.id, message, 'see what does: ctfleet runs')
}

/** Of each host what was applied to it last; those of which nothing is known here are named. */
async function ofInventory(store: RunStore, words: VerifyWords, terminal: Terminal): Promise<InForce> {
  const { inventory, hosts, setAside } = await targetsFrom({
    ...words,
    inventory: words.what,
    inventoryOption: words.inventory,
    limit: words.limit,
  })
  // What was applied has the way to its host in it, whatever the inventory has become since.
  const wanted: readonly Named[] = [...hosts, ...setAside.map(({ name }) => ({ name }))]
  const standing = await kept(async () => await appliedLast(store, wanted))
  if (standing.length === 0) {
    const message = 'nothing that still stands was applied to these hosts from here'
    throw complainAbout(inventory, message, 'see what was run: ctfleet runs')
  }
  const found = new Set(standing.map(({ host }) => host))
  const others = wanted.filter(({ name }) => !found.has(name)).map(({ name }) => ({ host: name }))
  if (others.length > 0) {
    const text = `Nothing that still stands was applied from here to ${names(others)}`
    terminal.say(paragraph(terminal.notices, { first: '', rest: '  ' }, text))
  }
  return { place: inventory, standing }
}
