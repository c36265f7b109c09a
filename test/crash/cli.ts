import { parseArgs } from 'node:util'
import { canRunLab, startLab } from '../lab/index.ts'
import type { Verdict } from './case.ts'
import { MATRIX_HOSTS, runMatrix } from './matrix.ts'
import { tableOf } from './table.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    only: { type: 'string', default: '' },
  },
})

const say = (line: string) => void process.stderr.write(`${line}\n`)

async function main(): Promise<number> {
  const able = canRunLab()
  if (!able.ok) throw new Error(able.why)
  const began = Date.now()
  await using lab = await startLab({ hosts: MATRIX_HOSTS })
  const cases = values.cases === 'all' ? Number.POSITIVE_INFINITY : Number(values.cases)
  const { verdicts } = await runMatrix(lab, { cases, seed: Number(values.seed), only: values.only, say })
  process.stdout.write(tableOf(verdicts))
  const list = (what: string, which: readonly Verdict[]) => {
    say(`${what}: ${which.length}`)
    for (const each of which.slice(0, 40)) say(`  ${each.name}, ${each.seconds.toFixed(0)} s`)
  }
  say(`${((Date.now() - began) / 1000).toFixed(0)} s`)
  list(
    'not struck',
    verdicts.filter(({ struck }) => !struck),
  )
  list(
    'by hand',
    verdicts.filter(({ byHand }) => byHand),
  )
  // Where a process of the host was killed alone, the others are to do it.
  list(
    'resumed though only a process was killed',
    verdicts.filter(({ byItself, case: { fault } }) => !byItself && fault.name.includes('killed -9')),
  )
  list('slowest', verdicts.toSorted((a, b) => b.seconds - a.seconds).slice(0, 5))
  return verdicts.some(({ state }) => state === 'neither') ? 1 : 0
}

process.exitCode = await main()
