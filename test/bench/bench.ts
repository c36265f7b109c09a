import { judging } from './judging.ts'
import { SHAPES } from './rule-shapes.ts'

/** `npm run bench`: what judging rule sets costs. Prints a table, or JSON with `--json`. */
const SIZES = [100, 1000, 10_000]
const RUNS = 5

const found = SHAPES.flatMap((shape) => SIZES.map((rules) => judging(shape, rules, RUNS)))
if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify({ node: process.version, runs: RUNS, unit: 'ms of CPU, median', found })}\n`)
} else {
  const ms = (value: number) => value.toFixed(1).padStart(9)
  const line = (cells: readonly string[]) => process.stdout.write(`${cells.join(' ')}\n`)
  line([
    `Reading rule sets and judging both cures on them; CPU in ms, the median of ${RUNS} runs, Node ${process.version}`,
  ])
  line([
    'shape'.padEnd(11),
    'rules'.padStart(6),
    ...['read', 'notrack', 'unload', 'together'].map((head) => head.padStart(9)),
    ' verdicts',
  ])
  for (const { shape, rules, parse, notrack, unload, total, verdicts } of found) {
    line([shape.padEnd(11), String(rules).padStart(6), ms(parse), ms(notrack), ms(unload), ms(total), ` ${verdicts}`])
  }
  for (const { name, about } of SHAPES) line([`${name}: ${about}`])
}
