import { env } from 'node:process'
import { beforeEach, expect, test } from 'vitest'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { CONTROLLER_FAULTS, HOST_FAULTS } from '../crash/faults.ts'
import { kindOf, MATRIX_HOSTS, runMatrix } from '../crash/matrix.ts'
import { tableOf } from '../crash/table.ts'
import { canRunLab, startLab } from '../lab/index.ts'

/** Whatever is killed, cut, filled up or restarted, wherever in a transaction: the host is exactly before or exactly after. */

const able = canRunLab()
const CASES = 200
/** What all namespaces share is struck in virtual machines only: `crash-vm.test.ts`; without faults, `transaction-vm.test.ts`. */
const OF_THE_KERNEL: readonly string[] = ['hash-size', 'kernel-modules']

beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test(`${CASES} transactions that something breaks end exactly before or exactly after`, async () => {
  await using lab = await startLab({ hosts: MATRIX_HOSTS })
  const seed = Number(env.CTFLEET_CRASH_SEED ?? 20261126)
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  const { verdicts, boundaries, kinds } = await runMatrix(lab, { cases: CASES, seed, say })
  process.stdout.write(`\nseed ${seed}; for other cases: CTFLEET_CRASH_SEED=N, or npm run crash\n${tableOf(verdicts)}`)

  expect(verdicts.filter(({ state }) => state === 'neither').map(({ name }) => name)).toEqual([])
  const struck = verdicts.filter((each) => each.struck)
  expect(struck.length).toBeGreaterThan(CASES * 0.95)
  const faults = [...HOST_FAULTS, ...CONTROLLER_FAULTS].map(({ name }) => name)
  expect(new Set(struck.map((each) => each.case.fault.name))).toEqual(new Set(faults))
  expect(new Set(struck.map((each) => kindOf(each.case.boundary)))).toEqual(new Set(boundaries))
  const ofNamespaces = STEP_KINDS.map(({ kind }) => kind).filter((kind) => !OF_THE_KERNEL.includes(kind))
  expect(new Set(kinds)).toEqual(new Set(ofNamespaces))
}, 900_000)
