import type { Holdings } from '../../src/journal/holdings.ts'
import type { HostTransaction } from '../../src/journal/listing.ts'
import { parseJournal } from '../../src/journal/records.ts'
import type { CleanResult } from '../../src/model/cleaning.ts'
import { known, unknown } from '../../src/model/reading.ts'
import type { VerifiedChange, VerifyResult } from '../../src/model/verification.ts'
import { aFault } from './fleet.ts'

const ABOUT = {
  run: '20261126-0942-7f3a',
  by: 'alice@bastion',
  at: '2026-11-26T09:42:11Z',
  host: 'web-1',
  plan: '3f2a9c51d0e8',
  strategy: 'tune',
  changes: ['set net.netfilter.nf_conntrack_max to 1572864', 'write /etc/sysctl.d/90-ctfleet-conntrack.conf'],
}

export const COMMITTED: HostTransaction = {
  id: '3fe12545e6',
  about: ABOUT,
  never: false,
  carried: false,
  restarted: true,
  records: parseJournal(
    '1795686131 armed\n1795686131 intend 1 aa\n1795686131 done 1 bb\n1795686132 applied\n1795686140 committed',
  ),
}
const FIRST_AID: HostTransaction = {
  ...COMMITTED,
  id: '77ffee0011',
  carried: true,
  restarted: false,
  records: parseJournal('1795690000 armed\n1795690001 committed until 1795697201'),
}
const FOREIGN: HostTransaction = { ...COMMITTED, id: '0aa1b2c3d4', about: null, records: [], never: true }

/** What hosts may keep, one host for each case. */
export const HOLDINGS: readonly Holdings[] = [
  { host: 'web-1', status: 'listed', transactions: [COMMITTED, FIRST_AID, FOREIGN], lock: '77ffee0011' },
  { host: 'web-2', status: 'listed', transactions: [], lock: null },
  { host: 'db-3', status: 'unreachable', fault: aFault() },
  { host: 'web-4', status: 'listed', transactions: [], lock: null },
  { host: 'web-5', status: 'not-reached', why: 'the run was stopped before its turn' },
]

export const CLEANED: readonly CleanResult[] = [
  { host: 'web-1', status: 'clean', removed: ['3fe12545e6', '77ffee0011'] },
  { host: 'web-2', status: 'clean', removed: [] },
  {
    host: 'web-3',
    status: 'kept',
    removed: ['0aa1b2c3d4'],
    kept: [
      aFault({
        code: 'locked',
        message: 'transaction 77ffee0011 is under way',
        next: 'wait for it to end, then clean again',
      }),
    ],
  },
  { host: 'db-3', status: 'unreachable', fault: aFault() },
  { host: 'web-5', status: 'not-reached', why: 'the run was stopped before its turn' },
  { host: 'web-6', status: 'declined' },
]

const inForce: VerifiedChange = {
  title: 'set net.netfilter.nf_conntrack_max to 1572864',
  phase: 'runtime',
  inForce: known(true),
  shown: { now: ['net.netfilter.nf_conntrack_max = 1572864'], applied: ['net.netfilter.nf_conntrack_max = 1572864'] },
}
const seen = { transaction: '3fe12545e6', restarted: known(true), journal: 'stands', remark: null } as const

export const VERIFIED: readonly VerifyResult[] = [
  {
    host: 'web-1',
    status: 'in-force',
    ...seen,
    changes: [inForce, { ...inForce, title: 'delete the entries of tcp flows to port 443', inForce: null }],
  },
  {
    host: 'web-2',
    status: 'not-in-force',
    ...seen,
    journal: 'taken-back',
    remark: 'it was taken back on the host itself',
    changes: [
      inForce,
      {
        ...inForce,
        inForce: known(false),
        shown: { ...inForce.shown, now: ['net.netfilter.nf_conntrack_max = 262144'] },
      },
    ],
  },
  {
    host: 'web-3',
    status: 'unsure',
    ...seen,
    journal: 'missing',
    restarted: unknown('the host holds no transaction 3fe12545e6 any more'),
    changes: [{ ...inForce, inForce: unknown('the host did not answer') }],
  },
  { host: 'web-4', status: 'not-restarted', ...seen, restarted: known(false), changes: [inForce] },
  { host: 'db-3', status: 'unreachable', fault: aFault() },
  { host: 'web-5', status: 'not-reached', why: 'the run was stopped before its turn' },
]
