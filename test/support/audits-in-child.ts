import { argv, stdout } from 'node:process'
import { historyDatabase } from '../../src/store/history-database.ts'
import { anAudit, aSample } from '../store/audit-on-record.ts'

// Keeps audits with readings of many hosts, each named on stdout once it is kept: `audits-in-child.ts STATE AUDITS`.
const [, , state = '', audits = '0'] = argv
const store = historyDatabase(state, (sentence) => console.error(sentence))
for (let at = 0; at < Number(audits); at++) {
  const time = new Date(Date.now() - at * 1000).toISOString()
  const samples = Array.from({ length: 200 }, (_, host) => aSample(time, { host: `host-${host}` }))
  await store.keepAudit(anAudit({ id: `audit-${at}`, startedAt: time, endedAt: time }), samples)
  stdout.write(`audit-${at}\n`)
}
