import type { Traces } from '../../src/audit/drift/traces.ts'
import type { Change } from '../../src/model/change.ts'
import { known } from '../../src/model/reading.ts'

/** When ctfleet's change was confirmed, in the tests of drift: seconds since the epoch. */
export const APPLIED = 1_764_000_000

/** A host on which nothing shows anybody's hand. */
export const NO_TRACES: Traces = {
  appliedAt: known(APPLIED),
  started: known([]),
  files: known([]),
  settings: known(new Map()),
  before: known({ iptables: null, nft: null }),
  acts: known([]),
}

/** A change of which drift looks at kind and wish alone. */
export function aChange(change: Partial<Change> = {}): Change {
  return {
    id: 'c',
    kind: 'file',
    title: 'a change',
    phase: 'runtime',
    want: {},
    before: null,
    after: null,
    shown: { before: [], after: [] },
    probe: '',
    apply: '',
    undo: '',
    stage: '',
    unstage: '',
    volatile: false,
    notes: [],
    ...change,
  }
}

export const SET_MAX = aChange({ kind: 'sysctl', want: { key: 'net.netfilter.nf_conntrack_max', value: 500_000 } })
