import { notrackPatch } from '../../src/firewall/notrack.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import { removableStatefulRules } from '../../src/firewall/stateful.ts'
import type { Shape } from './rule-shapes.ts'

/** Milliseconds of CPU, the median of some runs: reading a rule set, and judging both cures on it. */
export type Judged = {
  readonly shape: string
  readonly rules: number
  readonly parse: number
  readonly notrack: number
  readonly unload: number
  readonly total: number
  readonly verdicts: string
}

export function judging(shape: Shape, rules: number, runs: number): Judged {
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
