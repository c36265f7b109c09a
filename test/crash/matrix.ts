import type { Lab } from '../lab/index.ts'
import { type Case, type Goal, goalOf, nameOf, record, strike, type Verdict } from './case.ts'
import { CONTROLLER_FAULTS, HOST_FAULTS } from './faults.ts'
import { type Ground, groundOf, PATHS, type Path } from './ground.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'

export type Wanted = {
  /** How many cases, of all that there are; the seed chooses. */
  readonly cases: number
  readonly seed: number
  readonly say: (line: string) => void
  /** Only cases whose `scenario | path | boundary | fault` holds this. */
  readonly only?: string
}

export type Outcome = {
  readonly verdicts: readonly Verdict[]
  /** Every kind of boundary that there is, chosen or not. */
  readonly boundaries: readonly string[]
  /** Kinds of the steps in the plans. */
  readonly kinds: readonly string[]
}

/** The hosts that `runMatrix` needs. */
export const MATRIX_HOSTS: readonly string[] = SCENARIOS.flatMap(({ personality, hosts }) =>
  Array.from({ length: hosts }, (_, index) => `${personality}-${index + 1}`),
)

/** Every boundary of every path that a clean run shows × every fault that can happen there, as many as are wanted. */
export async function runMatrix(lab: Lab, wanted: Wanted): Promise<Outcome> {
  const random = randomOf(wanted.seed)
  const fields = await Promise.all(SCENARIOS.map((scenario) => fieldOf(lab, scenario)))
  const all = fields.flatMap((field) => field.cases.map((each) => ({ field, each, order: random() })))
  const matching = all.filter(({ field, each }) => nameOf(field.scenario, each).includes(wanted.only ?? ''))
  const chosen = varied(matching.toSorted((a, b) => a.order - b.order)).slice(0, wanted.cases)
  wanted.say(`${chosen.length} of ${all.length} cases, seed ${wanted.seed}`)
  const verdicts: Verdict[] = []
  const work = fields.flatMap((field) => {
    const queue = chosen.filter((one) => one.field === field).values()
    return field.grounds.map(async (ground) => {
      for (const { each } of queue) {
        const verdict = await strike(ground, each, field.goal)
        verdicts.push(verdict)
        if (verdict.problems.length > 0)
          wanted.say(`NEITHER ${verdict.name} on ${ground.there.name}\n${verdict.problems.join('\n')}`)
      }
    })
  })
  await Promise.all(work)
  return {
    verdicts,
    boundaries: [...new Set(all.map(({ each }) => kindOf(each.boundary)))],
    kinds: fields.flatMap(({ grounds }) => grounds[0]?.plans.whole.changes.map(({ kind }) => kind) ?? []),
  }
}

/** A boundary without the number of its change. */
export function kindOf(boundary: string): string {
  return boundary.replace(/ \d+$/, '')
}

type Choice = { readonly field: Field; readonly each: Case }

/** First those that show a fault, a path or a kind of boundary that none before them shows. */
function varied<One extends Choice>(cases: readonly One[]): readonly One[] {
  const shown = new Set<string>()
  const isNew = ({ field, each }: One): boolean => {
    const { boundary, fault, path } = each
    const shows = [kindOf(boundary), `${field.scenario.name} ${fault.name}`, `${field.scenario.name} ${path.name}`]
    const isFirst = shows.some((one) => !shown.has(one))
    if (isFirst) for (const one of shows) shown.add(one)
    return isFirst
  }
  const first = new Set(cases.filter(isNew))
  return [...first, ...cases.filter((one) => !first.has(one))]
}

type Field = {
  readonly scenario: Scenario
  readonly grounds: readonly Ground[]
  readonly goal: Goal
  readonly cases: readonly Case[]
}

type Recorded = { readonly path: Path; readonly boundaries: readonly string[] }

async function fieldOf(lab: Lab, scenario: Scenario): Promise<Field> {
  const names = Array.from({ length: scenario.hosts }, (_, index) => `${scenario.personality}-${index + 1}`)
  const grounds = await Promise.all(names.map((name) => groundOf(lab.dir, lab.host(name), scenario)))
  const [confirmed, ...others] = PATHS as readonly [Path, ...Path[]]
  const records: Recorded[] = []
  const queue = others.values()
  const [first, ...rest] = grounds as [Ground, ...Ground[]]
  const recordOthers = async (ground: Ground) => {
    for (const path of queue) records.push({ path, boundaries: (await record(ground, path)).boundaries })
  }
  const [goal] = await Promise.all([goalOf(first, confirmed), ...rest.map(recordOthers)])
  records.push({ path: confirmed, boundaries: goal.boundaries })
  await recordOthers(first)
  return { scenario, grounds, goal, cases: casesOf(records) }
}

/** A boundary that several paths come to on the host alone is one case's, of the first path; first aid ends otherwise. */
function casesOf(records: readonly Recorded[]): Case[] {
  const known = new Set<string>()
  return records
    .toSorted((a, b) => PATHS.indexOf(a.path) - PATHS.indexOf(b.path))
    .flatMap(({ path, boundaries }) =>
      boundaries.flatMap((boundary) => {
        const faults = path.by === 'host' ? HOST_FAULTS : CONTROLLER_FAULTS
        const place = `${path.by} ${path.keep} ${boundary}`
        if (known.has(place)) return []
        known.add(place)
        return faults.filter(({ at }) => at.test(boundary)).map((fault) => ({ path, boundary, fault }))
      }),
    )
}

/** mulberry32: the same seed, the same choice. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
