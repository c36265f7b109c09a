import { argv, stdout } from 'node:process'
import { databaseStore } from '../../src/store/database.ts'
import { sealedRun } from '../store/sealed-run.ts'

// Keeps one run and goes on recording hosts of it, each named on stdout once it is kept: `store-in-child.ts STATE RUN HOSTS`.
const [, , state = '', id = '', hosts = '0'] = argv
const store = databaseStore(state, (sentence) => console.error(sentence))
const [result] = sealedRun().results
if (result?.status !== 'applied') throw new Error('the first host of the fixture is applied')
await store.save(sealedRun({ id, endedAt: null, results: [] }))
for (let at = 0; at < Number(hosts); at++) {
  const host = `host-${at}`
  if (!(await store.record(id, [{ ...result, host, transaction: `${id}-${at}` }])))
    throw new Error(`${id} is not there`)
  stdout.write(`${host}\n`)
}
await store.end(id, new Date().toISOString())
