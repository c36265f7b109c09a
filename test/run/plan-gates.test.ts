import { expect, test } from 'vitest'
import { known, unknown } from '../../src/model/reading.ts'
import { gatesFor } from '../../src/run/plan-gates.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { aChange, aPlan } from '../report/fleet.ts'

const { host } = aPlan('a')
const NONE = { services: [], lastRules: [] }
const listens = (port: number, address = '0.0.0.0') => ({ protocol: 'tcp', address, port }) as const
const facts = factsWith({
  listeners: { sockets: known([listens(443), listens(22), listens(25, '127.0.0.1'), listens(443, '::')]) },
  privilege: { sshPort: known(22) },
  counters: { first: unknown('not there'), second: unknown('not there') },
})

test('a new login is asked for whatever the playbook says, and ports are those that others may ask for', () => {
  const { gates } = gatesFor(host, facts, [{ gate: 'ports', ports: null }], NONE)([aChange()])
  expect(gates).toEqual([{ gate: 'login' }, { gate: 'ports', ports: [22, 443] }])
})

test('of very many ports the way in and those that are changed are asked, and the plan names the rest', () => {
  const sockets = Array.from({ length: 40 }, (_, at) => listens(8001 + at))
  const many = factsWith({
    listeners: { sockets: known([...sockets, listens(9022)]) },
    privilege: { sshPort: known(9022) },
  })
  const wanted = [{ gate: 'ports', ports: null }] as const
  const { gates, notes } = gatesFor(host, many, wanted, { ...NONE, services: [{ protocol: 'tcp', port: 8040 }] })([
    aChange(),
  ])
  const [, asked] = gates
  if (asked?.gate !== 'ports') throw new Error(JSON.stringify(gates))
  expect(asked.ports).toHaveLength(32)
  expect(asked.ports.slice(-2)).toEqual([8040, 9022])
  expect(notes).toEqual([
    'Not tested after the change: whether all ports still answer (not asked: 8031, 8032, 8033, 8034, 8035, 8036, 8037, 8038, 8039)',
  ])
})

test('where it is not known what listens, no port is asked, and the plan says why', () => {
  const blind = factsWith({ listeners: { sockets: unknown('/proc/net/tcp could not be read') } })
  const { gates, notes } = gatesFor(host, blind, [{ gate: 'ports', ports: null }], NONE)([aChange()])
  expect(gates).toEqual([{ gate: 'login' }])
  expect(notes).toEqual(['Not tested after the change: whether ports still answer (/proc/net/tcp could not be read)'])
})

test("the playbook's own ports go before those that listen", () => {
  const { gates } = gatesFor(host, facts, [{ gate: 'login' }, { gate: 'ports', ports: [8443] }], NONE)([aChange()])
  expect(gates).toEqual([{ gate: 'login' }, { gate: 'ports', ports: [8443] }])
})

test('a gate that cannot be asked is left out, and the plan says so', () => {
  const wanted = [{ gate: 'invalid', withinSeconds: 10, mostPerSecond: 50 }] as const
  expect(gatesFor({ ...host, transport: 'local' }, facts, wanted, NONE)([aChange()])).toEqual({
    gates: [],
    notes: [
      'Not tested after the change: whether a new login is possible (it is this machine itself)',
      'Not tested after the change: whether packets become INVALID (not there)',
    ],
  })
})
