import { notrackPatch } from '../../src/firewall/notrack.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import { removableStatefulRules } from '../../src/firewall/stateful.ts'
import { SHAPES, type Shape } from './rule-shapes.ts'
import { tableText } from './table.ts'

const SIZES = [100, 1000, 10_000]
const RUNS = 5

/** What judging rule sets costs, by shape and size. */
export function benchJudging(): readonly Judged[] {
  return SHAPES.flatMap((shape) => SIZES.map((rules) => judging(shape, rules, RUNS)))
}

export function judgingText(found: readonly Judged[]): string {
  const heads = ['shape', 'rules', 'read', 'notrack', 'unload', 'together', 'verdicts']
  const rows = found.map(({ shape, rules, parse, notrack, unload, total, verdicts }) => [
    shape,
    String(rules),
    ...[parse, notrack, unload, total].map((ms) => ms.toFixed(1)),
    verdicts,
  ])
  const title = `Reading rule sets and judging both cures on them; CPU in ms, the median of ${RUNS} runs\n`
  return title + tableText([heads, ...rows]) + SHAPES.map(({ name, about }) => `${name}: ${about}\n`).join('')
}

/** Milliseconds of CPU, the median of some runs: reading a rule set, and judging both cures on it. */
type Judged = {
  readonly shape: string
  readonly rules: number
  readonly parse: number
  readonly notrack: number
  readonly unload: number
  readonly total: number
  readonly verdicts: string
}

function judging(shape: Shape, rules: number, runs: number): Judged {
  const text = shape.dump(rules)
  const times = Array.from({ length: runs }, () => once(text))
  const median = (of: (time: Times) => number) => times.map(of).sort((a, b) => a - b)[runs >> 1] as number
  return {
    shape: shape.name,
    rules,
    parse: median(({ parse }) => parse),
    notrack: median(({ notrack }) => notrack),
    unload: median(({ unload }) => unload),
    total: median(({ parse, notrack, unload }) => parse + notrack + unload),
    verdicts: times[0]?.verdicts ?? '',
  }
}

type Times = { readonly parse: number; readonly notrack: number; readonly unload: number; readonly verdicts: string }

function once(text: string): Times {
  const [read, parse] = timed(() => parseRules(text, 'ip'))
  if (!read.known) throw new Error(read.why)
  const live = [{ backend: 'nft' as const, rules: read.value }]
  const [patch, notrack] = timed(() =>
    notrackPatch(live, [{ protocol: 'tcp', port: 80 }], { families: ['ip'], backend: 'nft' }),
  )
  const [removal, unload] = timed(() => removableStatefulRules(live))
  const verdicts = `notrack ${patch.safe ? 'safe' : 'refused'}, unload ${removal.removable ? 'possible' : 'refused'}`
  return { parse, notrack, unload, verdicts }
}

function timed<T>(work: () => T): readonly [T, number] {
  const before = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(before)
  return [result, (user + system) / 1000]
}
