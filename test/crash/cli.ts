import { parseArgs } from 'node:util'
import { canRunLab, startLab } from '../lab/index.ts'
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
  say(`${((Date.now() - began) / 1000).toFixed(0)} s; not struck: ${verdicts.filter(({ struck }) => !struck).length}`)
  for (const each of verdicts.filter(({ struck }) => !struck).slice(0, 20))
    say(`  not struck: ${each.scenario} | ${each.case.path.name} | ${each.case.boundary} | ${each.case.fault.name}`)
  return verdicts.some(({ state }) => state === 'neither') ? 1 : 0
}

process.exitCode = await main()
