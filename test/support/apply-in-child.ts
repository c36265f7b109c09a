import { readFileSync } from 'node:fs'
import { argv, stdout } from 'node:process'
import type { Plan } from '../../src/model/plan.ts'
import { applyHost } from '../../src/run/apply-host.ts'
import { terms } from './terms.ts'

/**
 * A controller in a process of its own, to be killed: applies the plan in the file $1, to be confirmed within $2 seconds. Prints
 * each stage, `transaction ID` before the host hears of it, and at the end `ended STATUS`.
 */
const plan = JSON.parse(readFileSync(argv[2] ?? '', 'utf8')) as Plan
const { status } = await applyHost(plan, terms(Number(argv[3])), {
  signal: new AbortController().signal,
  onStage: (stage) => void stdout.write(`${stage}\n`),
  onTransaction: (id) => new Promise((resolve) => void stdout.write(`transaction ${id}\n`, () => resolve())),
})
stdout.write(`ended ${status}\n`)
