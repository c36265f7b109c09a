import { transactionScript } from '../../src/journal/transaction.ts'
import type { Change } from '../../src/model/change.ts'
import { sealPlan } from '../../src/plan/seal.ts'

const change: Change = {
  id: '1-sysctl',
  kind: 'sysctl',
  title: 'set net.core.somaxconn to 2',
  phase: 'runtime',
  want: { key: 'net.core.somaxconn', value: 2 },
  before: { path: '/proc/sys/net/core/somaxconn', value: '1' },
  after: { path: '/proc/sys/net/core/somaxconn', value: '2' },
  shown: { before: ['net.core.somaxconn = 1'], after: ['net.core.somaxconn = 2'] },
  probe: 'echo 1',
  apply: ':',
  undo: ':',
  stage: '',
  unstage: '',
  volatile: false,
  notes: [],
}
const boundTo = { probe: 'echo bound', digest: 'abcde' }

/** A sealed plan for a host that nobody will ever meet. */
export const aPlan = sealPlan({
  host: {
    name: 'web-9',
    groups: ['web'],
    address: '192.0.2.9',
    port: 22,
    user: 'root',
    identityFiles: [],
    knownHostsFiles: [],
    become: 'none',
    transport: 'ssh',
    vars: {},
    origin: 'inventory.yaml:3:5',
  },
  strategy: 'tune',
  boundTo,
  considered: [],
  findings: [],
  changes: [change],
  kept: [],
  notes: [],
  rollbackNotes: [],
  gates: [{ gate: 'reads-back' }],
  script: transactionScript([change], boundTo),
})
