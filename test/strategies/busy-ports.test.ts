import { describe, expect, test } from 'vitest'
import type { PortDecision } from '../../src/model/explanation.ts'
import type { Facts, PortShare } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { analyse } from '../../src/strategies/analysis.ts'
import { portDecisions } from '../../src/strategies/busy-ports.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

const PORTS: readonly PortShare[] = [
  port(443, 300),
  port(22, 200),
  port(8080, 150),
  port(3306, 150, { local: 0 }),
  port(80, 90),
  port(9000, 60, { protocol: 'sctp' }),
  port(53, 50, { protocol: 'udp', local: null }),
]

function port(number: number, entries: number, more: Partial<PortShare> = {}): PortShare {
  return { key: `tcp ${number}`, protocol: 'tcp', port: number, entries, share: entries / 1000, local: 1, ...more }
}

function hostWith(changes: Parameters<typeof factsWith>[0] = {}): Facts {
  const sample = {
    read: 1000,
    total: 1000,
    unreadable: 0,
    bySource: [],
    byDestinationPort: PORTS,
    byProtocol: [],
    byState: [],
    remaining: null,
  }
  const sockets = [443, 22, 80, 3306].map((each) => ({ protocol: 'tcp', address: '0.0.0.0', port: each }) as const)
  return factsWith({
    conntrack: { usage: known(0.95) },
    entries: { sample: known(sample) },
    listeners: { sockets: known(sockets) },
    ...changes,
  })
}

function decisions(facts: Facts, named: Parameters<typeof portDecisions>[1] = null): Record<number, PortDecision> {
  const found = portDecisions(facts, named)
  if (!found.known) throw new Error(found.why)
  return Object.fromEntries(found.value.map((each) => [each.port, each]))
}

describe('every port of the sample gets a decision, and the one reason that made it', () => {
  const cases: readonly (readonly [port: number, decision: PortDecision['decision'], why: RegExp])[] = [
    [443, 'chosen', /listens here, and holds 28 %/],
    [22, 'ssh', /the way in/],
    [8080, 'not-listening', /nothing on this host listens/],
    [3306, 'elsewhere', /other hosts/],
    [80, 'not-busy', /holds 9 % .* from 10 % on/],
    [9000, 'other-protocol', /neither tcp nor udp/],
    [53, 'addresses-unknown', /not known/],
  ]
  test.each(cases)('port %i: %s', (number, decision, why) => {
    expect(decisions(hostWith())[number]).toMatchObject({ decision, why: expect.stringMatching(why) })
  })

  test('and the ports that are chosen are those that notrack works out a patch for', () => {
    const facts = hostWith()
    const chosen = Object.values(decisions(facts)).filter(({ decision }) => decision === 'chosen')
    expect(chosen.map(({ protocol, port }) => ({ protocol, port }))).toEqual(analyse(facts, null).notrack.services)
  })
})

test('sshd on another port is the way in too', () => {
  const privilege = { sshPort: known(443) }
  expect(decisions(hostWith({ privilege }))[443]?.decision).toBe('ssh')
})

test('who listens is not known: no port is chosen, and none is said to be silent', () => {
  const listeners = { sockets: unknown('/proc/net/tcp could not be read') }
  const facts = hostWith({ listeners })
  expect(decisions(facts)[443]).toMatchObject({ decision: 'listeners-unknown', listens: { known: false } })
  expect(analyse(facts, null).notrack.services).toEqual([])
})

test('what the operator names is chosen, ssh too, and nothing else is', () => {
  const named = decisions(hostWith(), [{ protocol: 'tcp', port: 22 }])
  expect(named[22]?.decision).toBe('chosen')
  expect(named[443]?.decision).toBe('not-named')
})
