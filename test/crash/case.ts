import { writeFile } from 'node:fs/promises'
import type { JournalRecord, JournalWord } from '../../src/journal/records.ts'
import type { HostResult } from '../../src/model/result.ts'
import { resumeHost } from '../../src/run/resume-host.ts'
import { poll } from '../lab/command.ts'
import type { NamespaceHost } from '../lab/index.ts'
import { exists } from '../lab/packages.ts'
import { STRIKE_DIR } from './boundaries.ts'
import type { Fault } from './faults.ts'
import {
  type Begun,
  begin,
  decide,
  fileOn,
  type Ground,
  journalOf,
  MOST_SECONDS,
  must,
  type Path,
  replace,
  stateOf,
} from './ground.ts'
import type { Scenario } from './scenarios.ts'
import { running, standsStill } from './watch.ts'

export type Case = { readonly path: Path; readonly boundary: string; readonly fault: Fault }

/** How a case ended. `neither` is what must never be; `problems` says how. */
export type Verdict = {
  readonly case: Case
  readonly scenario: string
  /** By which it can be asked for again. */
  readonly name: string
  readonly state: 'before' | 'after' | 'neither'
  /** Whether the host had come to an end by itself, before anybody asked it. */
  readonly byItself: boolean
  /** Whether a person had to be told to type the undo, once the disk was mended. */
  readonly byHand: boolean
  readonly struck: boolean
  readonly problems: readonly string[]
  readonly seconds: number
}

/** State once the plan was confirmed, and what of it is there after a reboot. */
export type Goal = { readonly after: string; readonly afterReboot: string; readonly boundaries: readonly string[] }

/** One clean run of a path: its boundaries in the order they came, and the host as it was then. */
export async function record(ground: Ground, path: Path): Promise<{ boundaries: readonly string[]; state: string }> {
  const { there } = ground
  await must(there, `mkdir -p ${STRIKE_DIR}; : > ${STRIKE_DIR}/at`)
  const { transaction, rest } = await begin(ground, path)
  await rest
  const state = stateOf(await there.dump())
  const trace = (await fileOn(there, `${STRIKE_DIR}/trace`)) ?? ''
  if (path.keep === 0 && path.words.at(-1) === 'confirm') await decide(ground, transaction, 'undo')
  await standsStill(transaction, 20)
  if (stateOf(await there.dump()) !== ground.before) {
    const journal = await fileOn(there, `/var/lib/ctfleet/${transaction}/journal`)
    throw new Error(`${there.name}, ${path.name}: a clean run could not be taken back\n${journal}`)
  }
  await tidy(ground)
  const boundaries = trace.split('\n').filter((line) => line !== '')
  return { boundaries: [...new Set(boundaries)], state }
}

/** What the plan leaves on hosts of this kind: once confirmed, and after a reboot then. */
export async function goalOf(ground: Ground, path: Path): Promise<Goal> {
  const { state, boundaries } = await record(ground, path)
  if (state === ground.before) throw new Error(`${ground.there.name}: its plan changes nothing`)
  await (await begin(ground, path)).rest
  await ground.there.reboot()
  const afterReboot = stateOf(await ground.there.dump())
  await replace(ground)
  return { after: state, afterReboot, boundaries }
}

export async function strike(ground: Ground, each: Case, goal: Goal): Promise<Verdict> {
  const { there } = ground
  const { fault, path } = each
  const began = Date.now()
  if (fault.given !== undefined) await must(there, fault.given)
  await must(
    there,
    `mkdir ${STRIKE_DIR}; printf '%s\\n' ${quoted(each.boundary)} > ${STRIKE_DIR}/at; printf '%s\\n' ${quoted(fault.strike)} > ${STRIKE_DIR}/fault`,
  )
  const begun = await begin(ground, path)
  const { transaction, controller } = begun
  let over = false
  const resting = begun.rest.finally(() => {
    over = true
  })
  let struck = false
  if (fault.after !== undefined) {
    struck = (await poll(async () => ((await wasStruck(ground)) ? true : over ? false : undefined), SOON)) === true
    if (struck) await happen(fault.after, ground, begun)
  }
  let rest = await resting
  const told = await controller?.ended
  struck ||= await wasStruck(ground)
  if (fault.heal !== undefined && struck) await must(there, fault.heal)
  if (rest !== 'at rest' && path.keep > 0 && (await standsStill(transaction, MOST_SECONDS))) rest = 'at rest'
  const processes = rest === 'at rest' ? '' : await must(there, 'ps axf 2> /dev/null || ps')
  const alone = await journalOf(there, transaction)
  // A controller that lived on has brought it to its end, and removed what was taken back.
  const byItself = (isClosed(alone) || isEnd(told)) && (await locksOf(there)).length === 0
  const dir = `/var/lib/ctfleet/${transaction}`
  const resumed = byItself ? null : await resume(ground, transaction, path)
  const verdict = await judge(ground, transaction, goal, {
    rebooted: struck && fault.after === 'reboot',
    kept: path.keep > 0,
    // What it said of first aid then was not the end of it.
    said: resumed === null ? told : resumed.byHand || path.keep > 0 ? undefined : resumed.result.status,
  })
  const problems = [...verdict.problems, ...(rest === 'at rest' ? [] : [`it never came to rest:\n${processes}`])]
  const broken = verdict.state === 'neither' || problems.length > 0
  if (broken) {
    const [journal, log] = [await fileOn(there, `${dir}/journal`), await fileOn(there, `${dir}/log`)]
    problems.push(
      `journal:\n${journal?.replace(/ {20,}/g, ' … ')}`,
      `when it stood still: ${alone.at(-1)?.word}`,
      `controller: ${told}`,
    )
    if (resumed !== null) problems.push(`resume: ${JSON.stringify({ ...resumed.result, plan: undefined })}`)
    if (log !== undefined && log !== '') problems.push(`log:\n${log.slice(-1500)}`)
  }
  const seconds = (Date.now() - began) / 1000
  await restore(ground, transaction, verdict.state, broken)
  return {
    case: each,
    scenario: ground.scenario.name,
    name: nameOf(ground.scenario, each),
    state: broken ? 'neither' : verdict.state,
    byItself,
    byHand: resumed?.byHand ?? false,
    struck,
    problems,
    seconds,
  }
}

const SOON = { everyMs: 100, timeoutSeconds: 60 }

/** What the harness does to a host that waits, and to who leads it. */
async function happen(what: NonNullable<Fault['after']>, ground: Ground, begun: Begun): Promise<void> {
  const { there } = ground
  const go = async () => await writeFile(`/proc/${await there.pid()}/root${STRIKE_DIR}/go`, '')
  switch (what) {
    case 'reboot':
      return await there.reboot()
    case 'kill-controller':
      begun.controller?.kill()
      return await go()
    case 'cut':
    case 'cut-for-long':
      await there.cut()
      await go()
      if (what === 'cut') await new Promise((resolve) => setTimeout(resolve, 2000))
      else await standsStill(begun.transaction, MOST_SECONDS)
      return await there.mend()
  }
}

async function wasStruck({ there }: Ground): Promise<boolean> {
  return await exists(`/proc/${await there.pid()}/root${STRIKE_DIR}/struck`)
}

function isClosed(journal: readonly JournalRecord[]): boolean {
  return ['committed', 'rolled-back', 'refused'].includes(journal.at(-1)?.word ?? '')
}

async function locksOf(there: NamespaceHost): Promise<readonly string[]> {
  const names = (await must(there, 'ls /var/lib/ctfleet 2> /dev/null || :')).split('\n')
  return names.filter((name) => /^(?:lock|breaking)/.test(name))
}

/** What `ctfleet resume` does, and after it what it tells a person to do by hand. */
async function resume({ there, host, plans }: Ground, transaction: string, path: Path): Promise<Resumed> {
  const telling = { signal: AbortSignal.timeout(60_000), onStage: () => undefined }
  const result = await resumeHost({ plan: { ...plans[path.plan], host }, transaction }, telling)
  if (path.keep > 0) await standsStill(transaction, MOST_SECONDS)
  if (result.status !== 'needs-hands') return { byHand: false, result }
  await there.exec(`sh /var/lib/ctfleet/${transaction}/undo`, { timeoutSeconds: 60 })
  return { byHand: true, result }
}

type Resumed = { readonly byHand: boolean; readonly result: HostResult }

/** Results that say how a transaction ended, and the word that stands for it in its journal. */
const ENDS = {
  applied: 'committed',
  'rolled-back': 'rolled-back',
  refused: 'refused',
  'not-reached': 'refused',
} as const satisfies { readonly [status in HostResult['status']]?: JournalWord }

function isEnd(status: string | undefined): status is keyof typeof ENDS {
  return status !== undefined && status in ENDS
}

async function judge(
  ground: Ground,
  transaction: string,
  goal: Goal,
  how: { readonly rebooted: boolean; readonly kept: boolean; readonly said: string | undefined },
) {
  const { there } = ground
  const state = stateOf(await there.dump())
  const last = (isEnd(how.said) ? ENDS[how.said] : undefined) ?? (await journalOf(there, transaction)).at(-1)?.word
  const problems: string[] = []
  const after = how.rebooted ? goal.afterReboot : goal.after
  const isAfter = state === after && !how.kept
  const found: Verdict['state'] = state === ground.before ? 'before' : isAfter ? 'after' : 'neither'
  if (found === 'neither') problems.push(difference(ground.before, state, 'before'))
  if (found === 'neither' && !how.kept) problems.push(difference(after, state, 'after'))
  // Of first aid a restart leaves nothing, and nobody who could say so.
  const isForgotten = how.kept && how.rebooted
  if (found === 'before' && last === 'committed' && !isForgotten) problems.push('it says committed, and is as before')
  if (found === 'after' && last !== 'committed') problems.push(`it says ${last}, and is as after`)
  // Whoever watched over it looks once more whether it is over, and goes.
  const isLeft = running(`/${transaction}/transaction`).length > 0 && !(await standsStill(transaction, 10))
  if (isLeft) problems.push('a process of it is left')
  for (const name of await locksOf(there)) problems.push(`${name} is left`)
  return { state: problems.length > 0 ? ('neither' as const) : found, problems }
}

/** The host as the next case needs it; what was committed is taken back by its own undo, which has to do. */
async function restore(ground: Ground, transaction: string, state: Verdict['state'], broken: boolean): Promise<void> {
  if (broken) return await replace(ground)
  const rebooted = (await fileOn(ground.there, `${STRIKE_DIR}/trace`)) === undefined
  if (rebooted) return await replace(ground)
  if (state === 'after') {
    await decide(ground, transaction, 'undo')
    if (stateOf(await ground.there.dump()) !== ground.before) return await replace(ground)
  }
  await tidy(ground)
}

async function tidy({ there }: Ground): Promise<void> {
  await must(
    there,
    `for each in /etc /var/lib/ctfleet; do if mountpoint -q "$each"; then umount -l "$each"; fi; done; rm -rf ${STRIKE_DIR} /var/lib/ctfleet`,
  )
}

/** Lines that are in one and not in the other. */
function difference(expected: string, found: string, name: string): string {
  const [wanted, got] = [expected.split('\n'), found.split('\n')]
  const missing = wanted.filter((line) => !got.includes(line)).map((line) => `  - ${line}`)
  const more = got.filter((line) => !wanted.includes(line)).map((line) => `  + ${line}`)
  return [`against ${name}:`, ...missing.slice(0, 12), ...more.slice(0, 12)].join('\n')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

export function nameOf({ personality }: Scenario, { path, boundary, fault }: Case): string {
  return `${personality} | ${path.name} | ${boundary} | ${fault.name}`
}
