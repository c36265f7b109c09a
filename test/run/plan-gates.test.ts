import { expect, test } from 'vitest'
import { known, unknown } from '../../src/model/reading.ts'
import { gatesFor } from '../../src/run/plan-gates.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { aChange, aPlan } from '../report/fleet.ts'

const { host } = aPlan('a')
const listens = (port: number, address = '0.0.0.0') => ({ protocol: 'tcp', address, port }) as const
const facts = factsWith({
  listeners: { sockets: known([listens(443), listens(22), listens(25, '127.0.0.1'), listens(443, '::')]) },
  privilege: { sshPort: known(22) },
  counters: { first: unknown('not there'), second: unknown('not there') },
})

test('a new login is asked for whatever the playbook says, and ports are those that others may ask for', () => {
  const { gates } = gatesFor(host, facts, [{ gate: 'ports', ports: null }], [])([aChange()])
  expect(gates).toEqual([{ gate: 'login' }, { gate: 'ports', ports: [22, 443] }])
})

test("the playbook's own ports go before those that listen", () => {
  const { gates } = gatesFor(host, facts, [{ gate: 'login' }, { gate: 'ports', ports: [8443] }], [])([aChange()])
  expect(gates).toEqual([{ gate: 'login' }, { gate: 'ports', ports: [8443] }])
})

test('a gate that cannot be asked is left out, and the plan says so', () => {
  const wanted = [{ gate: 'invalid', withinSeconds: 10, mostPerSecond: 50 }] as const
  expect(gatesFor({ ...host, transport: 'local' }, facts, wanted, [])([aChange()])).toEqual({
    gates: [],
    notes: [
      'Not tested after the change: whether a new login is possible (it is this machine itself)',
      'Not tested after the change: whether packets become INVALID (not there)',
    ],
  })
})
