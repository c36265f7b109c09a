import { describe, expect, test } from 'vitest'
import type { PortShare } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { analyse } from '../../src/strategies/analysis.ts'
import { bootNotes } from '../../src/strategies/boot-notes.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

describe('which ports are worth leaving out', () => {
  const share = (port: number, part: number): PortShare => ({
    key: `tcp ${port}`,
    protocol: 'tcp',
    port,
    entries: part * 1000,
    share: part,
    local: 1,
  })
  const withShares = (usage: number, ...shares: readonly PortShare[]) =>
    factsWith({
      conntrack: { usage: known(usage) },
      entries: {
        sample: known({
          read: 1000,
          total: 1000,
          unreadable: 0,
          bySource: [],
          byDestinationPort: shares,
          byProtocol: [],
          byState: [],
          remaining: null,
        }),
      },
    })

  test('a port that fills the table', () => {
    expect(analyse(withShares(0.95, share(80, 0.9)), null).notrack.services).toEqual([{ protocol: 'tcp', port: 80 }])
  })

  test('not one that holds most of an almost empty table: leaving it out makes no room', () => {
    const { notrack } = analyse(withShares(0.01, share(80, 0.9)), null)
    expect(notrack.services).toEqual([])
    expect(notrack.why).toContain('--ports')
  })

  test('never ssh, however busy', () => {
    expect(analyse(withShares(0.95, share(22, 0.9)), null).notrack.services).toEqual([])
  })

  test('without the conntrack program the plan says what a rollback may cost', () => {
    const facts = factsWith({ conntrack: { tool: known(false) } })
    const { notrack } = analyse(facts, [{ protocol: 'tcp', port: 80 }])
    expect(notrack.sessionLoss.join()).toContain('may not survive')
    expect(notrack.notes.join()).toContain('stay until they time out')
  })

  test.each([
    ['a widened range', known({ first: 1024, last: 65_535 }), 8080, false],
    ['the usual range', known({ first: 32_768, last: 60_999 }), 8080, true],
    ['the usual range', known({ first: 32_768, last: 60_999 }), 40_000, false],
    ['the usual range', known({ first: 32_768, last: 60_999 }), 61_000, true],
    ['a range that could not be read', unknown('it hides'), 8080, null],
    ['a range that could not be read', unknown('it hides'), 1023, true],
  ] as const)('with %s (%j), port %i where nothing listens may go: %s', (_, clientPorts, port, mayGo) => {
    const { notrack } = analyse(factsWith({ system: { clientPorts } }), [{ protocol: 'tcp', port }])
    expect(notrack.safe).toEqual(mayGo === null ? unknown('it hides') : known(mayGo))
    if (mayGo === null) return
    expect(notrack.why).toBe(
      mayGo
        ? ''
        : `nothing listens on tcp port ${port} here, and the host may take it for connections of its own (net.ipv4.ip_local_port_range)`,
    )
  })

  test('rules that cannot be known leave both cures undecided, not refused', () => {
    const facts = factsWith({ firewall: { nftRuleset: unknown('there is no nft on the host to list them') } })
    const { notrack, unload } = analyse(facts, [{ protocol: 'tcp', port: 80 }])
    expect([notrack.safe.known, unload.possible.known]).toEqual([false, false])
  })
})

describe('what else has a say at boot', () => {
  const SYSCTL = {
    kind: 'file',
    name: null,
    want: { path: '/etc/sysctl.d/90-ctfleet-conntrack.conf', content: 'net.netfilter.nf_conntrack_max = 1000\n' },
  }

  test.each(['net.netfilter.nf_conntrack_max=5', 'net.nf_conntrack_max = 5', '-net/netfilter/nf_conntrack_max = 5'])(
    'another file with %s',
    (line) => {
      const facts = factsWith({ persistence: { files: known([{ path: '/etc/sysctl.conf', lines: [line] }]) } })
      expect(bootNotes(facts, [SYSCTL])).toEqual([expect.stringContaining('/etc/sysctl.conf sets')])
    },
  )

  test('not a comment, not our own file, not another key', () => {
    const files = [
      {
        path: '/etc/sysctl.conf',
        lines: ['# net.netfilter.nf_conntrack_max = 5', 'net.netfilter.nf_conntrack_acct = 1'],
      },
      { path: SYSCTL.want.path, lines: ['net.netfilter.nf_conntrack_max = 7'] },
    ]
    expect(bootNotes(factsWith({ persistence: { files: known(files) } }), [SYSCTL])).toEqual([])
  })

  test('a service that saves the running rules when it stops', () => {
    const facts = factsWith({ persistence: { savesOnStop: known(['iptables']) } })
    expect(bootNotes(facts, [{ kind: 'firewall', name: null, want: {} }])).toEqual([
      expect.stringContaining('writes the running rules'),
    ])
  })
})
