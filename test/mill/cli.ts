import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { corpus, NO_CORPUS, textOf } from '../firewall/corpus.ts'
import { casesOf, corpusCases } from './corpus-cases.ts'
import { millAll, whatIsMissing } from './lanes.ts'
import { type Case, type CaseResult, findingsOf } from './mill.ts'
import { randomCase } from './random-case.ts'
import { failureText, Tally } from './report.ts'
import { shrink } from './shrink.ts'
import { makeWorld } from './world.ts'

/**
 * The mill by hand: `--seed N [--count M]` for random rule sets, `--file F [--only WORDS]` for a file of the corpus or any
 * other, `--corpus` for all of them. One case alone prints its matrix; a failing one is shrunk first.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string', default: '1' },
    file: { type: 'string' },
    only: { type: 'string' },
    corpus: { type: 'boolean', default: false },
    lanes: { type: 'string', default: '6' },
    'no-shrink': { type: 'boolean', default: false },
  },
})

await main()

async function main(): Promise<void> {
  const missing = whatIsMissing()
  const cases = chosen().filter(({ name }) => name.includes(values.only ?? ''))
  if (missing !== null) throw new Error(missing)
  const tally = new Tally()
  await millAll(cases, Math.min(Number(values.lanes), cases.length), (given, result) => {
    tally.add(given, result)
    if (cases.length === 1) console.log(detail(given, result))
    else for (const each of findingsOf(result)?.broken ?? []) console.log(`${given.name}: ${each}`)
    return true
  })
  const shown = values['no-shrink'] ? tally.failures : await shrunk(tally)
  for (const failure of shown) console.log(`\n${failureText(failure)}`)
  console.log(tally.text())
  process.exitCode = tally.failures.length === 0 ? 0 : 1
}

async function shrunk({ failures }: Tally): Promise<Tally['failures']> {
  if (failures.length === 0) return failures
  await using world = await makeWorld(0)
  const smaller: Tally['failures'] = []
  for (const failure of failures) smaller.push(await shrink(world, failure, { ms: 60_000 }))
  return smaller
}

function chosen(): readonly Case[] {
  if (values.seed !== undefined) {
    return Array.from({ length: Number(values.count) }, (_, at) => randomCase(Number(values.seed) + at))
  }
  if (values.file !== undefined) return casesOf(readText(values.file), values.file)
  if (!values.corpus) throw new Error('which: --seed N [--count M], --file F [--only WORDS], or --corpus')
  if (corpus === null) throw new Error(NO_CORPUS)
  return corpusCases(corpus)
}

function readText(file: string): string {
  return corpus !== null && file.startsWith('01-') ? textOf(corpus, file) : readFileSync(file, 'utf8')
}

function detail({ rules, service }: Case, result: CaseResult): string {
  const said =
    result.status === 'safe'
      ? [...result.before].map(([cell, answer]) => `${cell}: ${answer}`)
      : [JSON.stringify(result)]
  return [
    ...rules.map(({ kind, family, text }) => `${kind} ${family}\n${text}`),
    JSON.stringify(service),
    ...said,
  ].join('\n')
}
