import { known } from '../../src/model/reading.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

/** A host without rules whose table is almost full: unloading fits. */
const FULL = factsWith({
  conntrack: { count: known(250_000), max: known(262_144), usage: known(0.95) },
  modules: { loaded: known([{ name: 'nf_conntrack', references: 0, holders: [] }]) },
})

/** What `ctfleet facts --format json` printed of one host that could be asked and one that could not. */
export const RECORDED = {
  version: 1,
  takenAt: '2026-11-26T09:42:00.000Z',
  tool: 'ctfleet 0.1.0',
  hosts: [
    { host: 'web-1', groups: ['all', 'web'], status: 'read', facts: FULL },
    { host: 'db-1', groups: ['all', 'db'], status: 'not-reached', why: 'the run was stopped before its turn' },
  ],
}
