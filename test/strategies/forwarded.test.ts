import { describe, expect, test } from 'vitest'
import type { Facts, PortShare } from '../../src/model/facts.ts'
import { known, type Reading, unknown } from '../../src/model/reading.ts'
import { analyse } from '../../src/strategies/analysis.ts'
import { portDecisions, type Service } from '../../src/strategies/busy-ports.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

const HTTPS: Service = { protocol: 'tcp', port: 443, forwarded: true }

/** A router with a full table, to whose port 80 and through which to 443 most of the entries go. */
function router(
  given: {
    readonly ip?: Reading<boolean>
    readonly ports?: readonly PortShare[]
    readonly own?: number
    readonly rules?: string
  } = {},
): Facts {
  const bySource = [{ key: '192.0.2.1', entries: given.own ?? 0, share: (given.own ?? 0) / 1000 }]
  return factsWith({
    system: { forwarding: { ip: given.ip ?? known(true), ip6: known(false) } },
    conntrack: { usage: known(0.95) },
    entries: {
      sample: known({
        read: 1000,
        total: 1000,
        unreadable: 0,
        bySource,
        byDestinationPort: given.ports ?? [port(443, 600, 0), port(80, 300, 1)],
        byProtocol: [],
        byState: [],
        remaining: null,
      }),
    },
    ...(given.rules === undefined
      ? {}
      : {
          firewall: {
            nft: { ip: known(given.rules), ip6: known(null) },
          },
        }),
  })
}

function port(number: number, entries: number, local: number): PortShare {
  return { key: `tcp ${number}`, protocol: 'tcp', port: number, entries, share: entries / 1000, local }
}

function decided(facts: Facts) {
  const found = portDecisions(facts, null)
  if (!found.known) throw new Error(found.why)
  return Object.fromEntries(found.value.map(({ port: number, decision, why }) => [number, `${decision}: ${why}`]))
}

describe('which forwarded flows are worth leaving out', () => {
  test('those that fill the table of a host that forwards, beside its own services', () => {
    const { notrack } = analyse(router(), null)
    expect(notrack.services).toEqual([HTTPS, { protocol: 'tcp', port: 80 }])
    expect(notrack.safe).toEqual(known(true))
    expect(decided(router())[443]).toMatch(/^chosen: goes to other hosts through this one, and holds 57 %/)
  })

  test('none where the host does not forward, or that is not known', () => {
    for (const ip of [known(false), unknown('there is no such file')]) {
      expect(decided(router({ ip }))[443]).toMatch(/^elsewhere/)
    }
  })

  test('not what the host itself asks of others', () => {
    expect(decided(router({ own: 600 }))[443]).toMatch(/^elsewhere: its flows go from this host/)
    expect(decided(router({ own: 550 }))[443]).toMatch(/^not-busy/)
  })

  test('never ssh, however busy', () => {
    expect(decided(router({ ports: [port(22, 900, 0)] }))[22]).toMatch(/^ssh/)
  })
})

describe('of what is busy, all that can be left out is; what is named is wanted as a whole', () => {
  const MASQUERADE = [
    '*nat',
    ':POSTROUTING ACCEPT [0:0]',
    '-A POSTROUTING -s 192.168.77.0/24 -o wan0 -j MASQUERADE',
    'COMMIT',
    '',
  ].join('\n')

  test('a port that cannot be is told in the notes, with its reason', () => {
    const { notrack } = analyse(router({ rules: MASQUERADE }), null)
    expect(notrack.services).toEqual([{ protocol: 'tcp', port: 80 }])
    expect(notrack.ports).toEqual({ tcp: [80], udp: [] })
    expect(notrack.notes[0]).toMatch(/^left tracked: tcp port 443 of other hosts: .* -j MASQUERADE$/)
  })

  test('where none can be, the busiest one’s reason refuses', () => {
    const { notrack } = analyse(router({ rules: MASQUERADE, ports: [port(443, 600, 0), port(8443, 300, 0)] }), null)
    expect(notrack.safe).toEqual(known(false))
    expect(notrack.why).toMatch(/^tcp port 443 of other hosts: .* -j MASQUERADE$/)
  })

  test('named together, one that cannot be refuses both', () => {
    const { notrack } = analyse(router({ rules: MASQUERADE }), [{ protocol: 'tcp', port: 80 }, HTTPS])
    expect(notrack.safe).toEqual(known(false))
    expect(notrack.why).toContain('tcp port 443 of other hosts')
  })
})

describe('what is named', () => {
  test('is refused where the host forwards nothing, and left open where that is not known', () => {
    const no = analyse(router({ ip: known(false) }), [HTTPS]).notrack
    expect([no.safe, no.why]).toEqual([known(false), expect.stringContaining('this host does not forward')])
    expect(analyse(router({ ip: unknown('not read') }), [HTTPS]).notrack.safe.known).toBe(false)
  })

  test('touches no entries, since those of others could not be told from the host’s own; the plan says what that means', () => {
    const { notrack } = analyse(router(), [HTTPS])
    expect([notrack.flows, notrack.ports]).toEqual([[], { tcp: [], udp: [] }])
    expect(notrack.notes.join()).toContain('are not deleted, and run out by themselves, up to 120 h')
    expect(notrack.notes.join()).toContain(
      'IPv6 to tcp port 443 of other hosts is left as it is: the host does not forward',
    )
    expect(notrack.sessionLoss.join()).toContain('may not survive it, since their entries are not deleted')
    expect(notrack.edits.length).toBeGreaterThan(0)
  })

  test('says where it goes, and the same port here stays another matter', () => {
    const { notrack } = analyse(router(), [HTTPS, { protocol: 'tcp', port: 443 }])
    expect(notrack.ports).toEqual({ tcp: [443], udp: [] })
    expect(
      notrack.edits.filter((edit) => JSON.stringify(edit).includes('"spec":"-p tcp -m addrtype ! --dst-type LOCAL')),
    ).toHaveLength(2)
  })
})
