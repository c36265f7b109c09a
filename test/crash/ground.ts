import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { DECIDE, launch } from '../../src/journal/conversation.ts'
import { type JournalRecord, parseJournal } from '../../src/journal/records.ts'
import type { Host } from '../../src/model/host.ts'
import type { Plan } from '../../src/model/plan.ts'
import { sealPlan } from '../../src/plan/seal.ts'
import type { Ended, NamespaceHost } from '../lab/index.ts'
import { planOn, rewritten } from '../support/hand-made-plan.ts'
import { inventoryHost } from '../support/lab-host.ts'
import { STRIKE_DIR, withBoundaries } from './boundaries.ts'
import { type Controller, controllerOf } from './controller.ts'
import { bootWish, type Scenario } from './scenarios.ts'
import { endListeners, standsStill } from './watch.ts'

/** What is done to a transaction that waits for its confirmation, word by word; nothing means that it runs out. */
export type Path = {
  readonly name: string
  readonly plan: 'whole' | 'failing'
  readonly words: readonly ('confirm' | 'abort' | 'settle' | 'undo')[]
  readonly confirmWithin: number
  /** Seconds after which what was confirmed takes itself back; 0: it stays. */
  readonly keep: number
  /** Who leads it: nobody outside the host, or a program of ours over SSH. */
  readonly by: 'host' | 'controller'
}

export const PATHS: readonly Path[] = [
  { name: 'confirmed', plan: 'whole', words: ['confirm'], confirmWithin: 15, keep: 0, by: 'host' },
  { name: 'expired', plan: 'whole', words: [], confirmWithin: 2, keep: 0, by: 'host' },
  { name: 'aborted', plan: 'whole', words: ['abort'], confirmWithin: 15, keep: 0, by: 'host' },
  { name: 'a step fails', plan: 'failing', words: [], confirmWithin: 15, keep: 0, by: 'host' },
  { name: 'rolled back', plan: 'whole', words: ['confirm', 'undo'], confirmWithin: 15, keep: 0, by: 'host' },
  { name: 'settled', plan: 'whole', words: ['settle'], confirmWithin: 15, keep: 0, by: 'host' },
  { name: 'first aid', plan: 'whole', words: ['confirm'], confirmWithin: 15, keep: 4, by: 'host' },
  { name: 'led over SSH', plan: 'whole', words: ['confirm'], confirmWithin: 8, keep: 0, by: 'controller' },
]

/** Seconds that the changes may take. */
const WINDOW = 25
/** Seconds after which nothing of a transaction may move any more: its window, its confirmation and its undo. */
export const MOST_SECONDS = 75
/** The same of first aid, unless its disk cannot be written: then it waits until somebody mends that. */
const FIRST_AID_SECONDS = 40
/** Seconds after which a controller that was cut off from its host has to know how it ended. */
const LONGEST_LED = 150

/** A lab host between two cases: as it was, with the plans that will be applied to it. */
export type Ground = {
  readonly there: NamespaceHost
  readonly host: Host
  readonly scenario: Scenario
  before: string
  plans: { readonly whole: Plan; readonly failing: Plan }
}

export async function groundOf(labDir: string, there: NamespaceHost, scenario: Scenario): Promise<Ground> {
  const host = inventoryHost(labDir, there)
  await must(there, scenario.given ?? ':')
  return { there, host, scenario, before: stateOf(await there.dump()), plans: await plansFor(there, host, scenario) }
}

/** After a reboot the host is in another life, which its plan is bound to. */
async function planAgain(ground: Ground): Promise<void> {
  ground.plans = await plansFor(ground.there, ground.host, ground.scenario)
}

/** A new host in place of one that is not as it was. */
export async function replace(ground: Ground): Promise<void> {
  await ground.there.reinstall()
  await must(ground.there, ground.scenario.given ?? ':')
  ground.before = stateOf(await ground.there.dump())
  await planAgain(ground)
}

async function plansFor(there: NamespaceHost, host: Host, { wishes, boot }: Scenario): Promise<Ground['plans']> {
  const loaded = await fileOn(there, boot.path)
  if (loaded === undefined) throw new Error(`${there.name} has no ${boot.path}`)
  const whole = await planOn(host, [...wishes, bootWish(boot, loaded)])
  const last = whole.changes.filter(({ phase }) => phase === 'runtime').length
  // It makes its change, and fails.
  const failing = rewritten(whole, (change, number) =>
    number === last ? { apply: `( ${change.apply}\n)\nexit 3` } : {},
  )
  return { whole: injected(whole), failing: injected(failing) }
}

function injected({ id: _, ...plan }: Plan): Plan {
  return sealPlan({ ...plan, script: withBoundaries(plan.script) })
}

/** What names one host among its like. */
const OWN = /^.*\/etc\/(?:hosts|hostname|ssh\/ssh_host_\S+)(?: .*)?\n/gm

/** A dump as all hosts of one kind have it, without our own directory, of which a journal may be left. */
export function stateOf(dump: string): string {
  return (dump.split('@@ ctfleet')[0] ?? '').replace(OWN, '')
}

export type Begun = {
  readonly transaction: string
  /** Once nothing of it moves any more. */
  readonly rest: Promise<'at rest' | 'never at rest'>
  readonly controller: Controller | null
}

export async function begin(ground: Ground, path: Path): Promise<Begun> {
  if (path.by === 'host') {
    const transaction = randomBytes(5).toString('hex')
    return { transaction, rest: conduct(ground, transaction, path), controller: null }
  }
  const controller = await controllerOf(ground.plans[path.plan], path.confirmWithin)
  const { transaction, ended } = controller
  const patience = setTimeout(() => controller.kill(), LONGEST_LED * 1000)
  const rest = ended.then(async () => {
    clearTimeout(patience)
    return (await standsStill(transaction, MOST_SECONDS)) ? ('at rest' as const) : ('never at rest' as const)
  })
  return { transaction, rest, controller }
}

/** Does what a controller would do, from the host itself and without a connection, until nothing of it moves any more. */
async function conduct(ground: Ground, transaction: string, path: Path): Promise<'at rest' | 'never at rest'> {
  const { there, plans } = ground
  const words = [transaction, String(WINDOW), String(path.confirmWithin), String(path.keep), 'crash', 'test']
  const script = launch(plans[path.plan].script).text
  const begun = there.exec(['/bin/sh', '-c', script, 'ctfleet', ...words], { timeoutSeconds: 90 })
  await untilDoneOrStill(ground, transaction, begun)
  for (const word of path.words) {
    const standing = (await journalOf(there, transaction)).at(-1)?.word
    if (standing !== (word === 'undo' ? 'committed' : 'applied')) break
    await decide(ground, transaction, word)
  }
  const still = await standsStill(transaction, path.keep > 0 ? FIRST_AID_SECONDS : MOST_SECONDS)
  endListeners(transaction)
  return still ? 'at rest' : 'never at rest'
}

export async function decide(ground: Ground, transaction: string, word: string): Promise<void> {
  const argv = ['/bin/sh', '-c', DECIDE.text, 'ctfleet', transaction, 'all', word]
  await untilDoneOrStill(ground, transaction, ground.there.exec(argv, { timeoutSeconds: 90 }))
}

/** Who listens to a transaction that was killed would listen for a minute more. */
async function untilDoneOrStill({ there }: Ground, transaction: string, ended: Promise<Ended>): Promise<void> {
  let done = false
  void ended.then(() => {
    done = true
  })
  const passed = async () => (await fileOn(there, `${STRIKE_DIR}/trace`))?.length ?? 0
  const before = await passed()
  const patience = Date.now() + 8000
  // Only once it has begun can it have come to rest.
  while (!done && Date.now() < patience && (await passed()) === before) await pause(100)
  while (!done && !(await standsStill(transaction, 1))) await pause(50)
  endListeners(transaction)
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A file of the host's, read from outside; undefined where there is none, or no host. */
export async function fileOn(there: NamespaceHost, path: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${await there.pid()}/root${path}`, 'utf8')
  } catch {
    return undefined
  }
}

export async function journalOf(there: NamespaceHost, transaction: string): Promise<readonly JournalRecord[]> {
  return parseJournal((await fileOn(there, `/var/lib/ctfleet/${transaction}/journal`)) ?? '')
}

export async function must(there: NamespaceHost, text: string): Promise<string> {
  const ended = await there.exec(text)
  if (ended.code === 0) return ended.stdout
  throw new Error(`${there.name}: ${text} exited ${ended.code}: ${ended.stderr}`)
}
