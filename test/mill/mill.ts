import type { Edit } from '../../src/firewall/edits.ts'
import type { Flow } from '../../src/firewall/flow-entries.ts'
import { dropsMidStream } from '../../src/firewall/mid-stream.ts'
import { type NotrackPatch, notrackPatch } from '../../src/firewall/notrack.ts'
import type { Service } from '../../src/firewall/packet.ts'
import type { LiveRules } from '../../src/firewall/rules.ts'
import { applyPatch } from './apply.ts'
import { foretellerOf } from './foretold.ts'
import { loadRules } from './loading.ts'
import {
  cellsFor,
  type Difference,
  differencesOf,
  type Matrix,
  openPorts,
  type Patience,
  type Ports,
  probeAll,
  resumeAll,
  sessionCells,
  type Turn,
} from './matrix.ts'
import { clearRules, dumpRules, type Loaded, readDump, sameRules } from './rule-kinds.ts'
import { ENDS, type Guise, type World } from './world.ts'

/** One rule set and one service to take out of tracking. */
export type Case = {
  readonly name: string
  readonly rules: readonly Loaded[]
  readonly service: Service
  readonly other: number
  readonly guise: Guise
  /** Whether TCP sessions are held open over the change and its undo; costs a second. */
  readonly withSessions: boolean
  /** The command that runs it alone. */
  readonly rerun: string
}

export type CaseResult =
  | { readonly status: 'unloadable'; readonly why: string }
  | { readonly status: 'unreadable'; readonly why: string }
  | { readonly status: 'refused'; readonly why: string; readonly rule: string | null }
  /** No patch and no refusal either, which is a bug whatever the rules say. */
  | ({ readonly status: 'threw' } & Findings)
  | ({ readonly status: 'safe' } & Milled)

/** Who makes the patch; another one than ctfleet's own shows that the mill notices. */
export type Patcher = (live: readonly LiveRules[], service: Service, on: PatchedHost) => NotrackPatch
export type PatchedHost = Parameters<typeof notrackPatch>[2]

export type Findings = {
  /** What was loaded, line for line. */
  readonly loaded: readonly Loaded[]
  readonly edits: readonly Edit[]
  /** All that was not as it must be; empty where the promise held. */
  readonly broken: readonly string[]
}

type Milled = Findings & {
  readonly before: Matrix
  readonly differences: { readonly applied: readonly Difference[]; readonly undone: readonly Difference[] }
  /** Differences that the patch's notes tell beforehand. */
  readonly foretold: readonly Difference[]
  /** Cells whose answer changes by itself, with no patch at all. */
  readonly unsteady: readonly string[]
  readonly sessions: Sessions
}

/** TCP sessions that were open before: how many, and which did not live, as the plan says beforehand or not. */
export type Sessions = {
  readonly open: number
  readonly lost: readonly { readonly name: string; readonly when: 'applied' | 'undone'; readonly foretold: boolean }[]
}

const QUICK: Patience = { silentMs: 150 }
const PATIENT: Patience = { silentMs: 1200 }

/** What went wrong in a case, or null. */
export function findingsOf(result: CaseResult): Findings | null {
  return 'broken' in result && result.broken.length > 0 ? result : null
}

/**
 * Loads the rules, asks, applies ctfleet's own patch by ctfleet's own scripts, asks, takes it back by the undo scripts, asks.
 * What differs is measured once more with patience, and beside a run without any patch, before it counts.
 */
export async function mill(world: World, given: Case, patcher: Patcher = ctfleetsOwn): Promise<CaseResult> {
  const first = await millQuickly(world, given, patcher)
  if (first.status !== 'safe' || first.broken.length === 0) return first
  const second = await millOnce(world, given, { patience: PATIENT, patcher })
  if (second.status !== 'safe' || second.broken.length === 0) return second
  const unsteady = await unsteadyCells(world, given)
  const steady = (all: readonly Difference[]) => all.filter(({ cell }) => !unsteady.has(cell))
  const differences = { applied: steady(second.differences.applied), undone: steady(second.differences.undone) }
  return {
    ...second,
    differences,
    broken: [...second.broken.filter((each) => !isDifference(each)), ...differenceLines(differences)],
    unsteady: [...unsteady],
  }
}

/** The same at first sight. */
export async function millQuickly(world: World, given: Case, patcher: Patcher = ctfleetsOwn): Promise<CaseResult> {
  return await millOnce(world, given, { patience: QUICK, patcher })
}

async function millOnce(
  world: World,
  given: Case,
  { patience, patcher }: { readonly patience: Patience; readonly patcher: Patcher },
): Promise<CaseResult> {
  const loaded = await load(world, given)
  if ('why' in loaded) return { status: 'unloadable', why: loaded.why }
  const dump = await dumpRules(world.host)
  const live = readDump(dump)
  if (!live.known) return { status: 'unreadable', why: live.why }
  const { service, guise } = given
  const patch = patched(() => patcher(live.value, service, patchedHost(given)))
  if ('threw' in patch) return { status: 'threw', loaded, edits: [], broken: [patch.threw] }
  if (!patch.safe) return { status: 'refused', why: patch.why, rule: patch.rule }

  const ports = portsOf(given)
  await listen(world, ports, guise)
  const held = given.withSessions ? sessionCells(service, guise) : []
  const [before, begun] = splitOff(
    await probeAll(world, [...cellsFor(ports, guise, 0), ...held], patience),
    held.map(({ name }) => name),
  )
  const sessions = [...begun].flatMap(([name, answer]) => (answer.startsWith('ok') ? [name] : []))
  const applied = await applyPatch(world.host, patch.edits, flowsOf(given, sessions))
  const broken = [...applied.broken]
  const first = await resumeAll(world, sessions, patience)
  const after = await probeAll(world, cellsFor(ports, guise, 1), patience)
  broken.push(...(await applied.undo()))
  const second = await resumeAll(world, sessions, patience)
  const back = await probeAll(world, cellsFor(ports, guise, 2), patience)
  const dumpBack = await dumpRules(world.host)
  const isForetold = foretellerOf(patch, given)
  const changed = differencesOf(before, after)
  const foretold = changed.filter(isForetold)
  const surprising = changed.filter((each) => !isForetold(each))
  const differences = { applied: surprising, undone: differencesOf(before, back) }
  broken.push(...differenceLines(differences))
  if (sameRules(dumpBack) !== sameRules(dump)) {
    broken.push(`the rules are not as they were:\n${sameRules(dump)}\nbecame\n${sameRules(dumpBack)}`)
  }
  for (const side of ['near', 'host', 'far'] as const) await world[side].forget({ sessions: true })
  const lost = lostSessions({ first, second }, live.value, service)
  return {
    status: 'safe',
    loaded,
    edits: patch.edits,
    before,
    broken,
    differences,
    foretold,
    unsteady: [],
    sessions: { open: sessions.length, lost },
  }
}

function ctfleetsOwn(live: readonly LiveRules[], service: Service, on: PatchedHost): NotrackPatch {
  return notrackPatch(live, [service], on)
}

/** What the facts of the host would say: it has the programs that wrote its rules, and only those. */
function patchedHost({ rules, guise: { server = {} } }: Case): PatchedHost {
  const backend = rules.find(({ kind }) => kind !== 'native')?.kind ?? 'native'
  const own = FAMILIES.flatMap((family) => {
    const { loopback, host, hostBare, hostFar } = ENDS[family]
    return [loopback, host, ...hostBare, hostFar]
  })
  return { families: FAMILIES, forwards: FAMILIES, backend, addresses: [...own, ...Object.values(server)] }
}

const FAMILIES = ['ip', 'ip6'] as const

function patched(patch: () => NotrackPatch): NotrackPatch | { readonly threw: string } {
  try {
    return patch()
  } catch (error) {
    return { threw: `no patch: ${error instanceof Error ? error.stack : String(error)}` }
  }
}

/** The host as a case wants it: the rules that went in, or why they did not. */
async function load(world: World, { rules, guise }: Case): Promise<readonly Loaded[] | { readonly why: string }> {
  await clearRules(world.host)
  await world.dress(guise)
  const loaded: Loaded[] = []
  for (const each of rules) {
    const outcome = await loadRules(world.host, each)
    if ('why' in outcome) return outcome
    loaded.push(outcome)
  }
  return loaded
}

/** Cells that answer differently from one matrix to the next while nobody changes a rule. */
async function unsteadyCells(world: World, given: Case): Promise<ReadonlySet<string>> {
  await load(world, given)
  const probe = async (turn: Turn) => await probeAll(world, cellsFor(portsOf(given), given.guise, turn), PATIENT)
  const first = await probe(0)
  const again = [await probe(1), await probe(2)]
  return new Set(again.flatMap((matrix) => differencesOf(first, matrix).map(({ cell }) => cell)))
}

function portsOf({ service, other }: Case): Ports {
  const closed = [8999, 8998, 8997].find((port) => port !== service.port && port !== other) ?? 8996
  return { service: service.port, other, closed }
}

async function listen({ near, host, far }: World, ports: Ports, { server = {} }: Guise): Promise<void> {
  const open = openPorts(ports)
  const ends = [ENDS.ip, ENDS.ip6]
  await near.listen(
    ends.map((each) => each.near),
    open,
  )
  await far.listen(
    ends.map((each) => each.far),
    open,
  )
  await host.listen(
    [...ends.flatMap((each) => [each.loopback, each.host, each.hostFar]), ...Object.values(server)],
    open,
  )
}

/**
 * What the plan deletes from the table: flows of the service to the host. Each deletion walks the whole table, so it is left
 * out where no session is there to suffer from an entry that stayed; all else here begins anew with each matrix.
 */
function flowsOf({ service, guise: { server = {} } }: Case, sessions: readonly string[]): readonly Flow[] {
  if (service.forwarded) return []
  const families = FAMILIES.filter((family) => sessions.some((name) => name.includes(` ${family} `)))
  const addresses = families.map((family) => server[family] ?? ENDS[family].host)
  return addresses.length === 0 ? [] : [{ protocol: service.protocol, ports: [service.port], addresses }]
}

function splitOff(matrix: Matrix, names: readonly string[]): readonly [rest: Matrix, named: Matrix] {
  const named = new Set(names)
  return [
    new Map([...matrix].filter(([name]) => !named.has(name))),
    new Map([...matrix].filter(([name]) => named.has(name))),
  ]
}

function differenceLines({ applied, undone }: Milled['differences']): readonly string[] {
  const line = (when: string) => (each: Difference) => `${when}: ${each.cell}: was ${each.was}, became ${each.became}`
  return [...applied.map(line('applied')), ...undone.map(line('undone'))]
}

function isDifference(line: string): boolean {
  return /^(applied|undone): /.test(line)
}

function lostSessions(
  { first, second }: { readonly first: Matrix; readonly second: Matrix },
  live: readonly LiveRules[],
  service: Service,
): Sessions['lost'] {
  const foretold = (name: string) => {
    const family = name.includes(' ip6 ') ? 'ip6' : 'ip'
    // Entries of forwarded flows are never deleted, and the plan says what that may cost.
    if (service.forwarded) return name.endsWith(`-> far:${service.port}`)
    const ofService = name.endsWith(`-> host:${service.port}`)
    return ofService && dropsMidStream(live, service, { family, budget: 300_000 }) !== null
  }
  const dead = (matrix: Matrix) => [...matrix].flatMap(([name, answer]) => (answer.startsWith('ok') ? [] : [name]))
  const atOnce = dead(first)
  return [
    ...atOnce.map((name) => ({ name, when: 'applied' as const, foretold: false })),
    ...dead(second)
      .filter((name) => !atOnce.includes(name))
      .map((name) => ({ name, when: 'undone' as const, foretold: foretold(name) })),
  ]
}
