import { describe, expect, test } from 'vitest'
import { DEFAULT_THRESHOLDS } from '../../src/diagnosis/thresholds.ts'
import type { Edit } from '../../src/firewall/edits.ts'
import type { Facts } from '../../src/model/facts.ts'
import type { IndicativePlan } from '../../src/model/indicative.ts'
import { known } from '../../src/model/reading.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { foretellRecorded } from '../../src/run/offline.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { analyse } from '../../src/strategies/analysis.ts'
import type { Service } from '../../src/strategies/busy-ports.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

const { playbooks } = loadPlaybooks('auto', STEP_KINDS)

/** A full table, half of it flows to port 443; sessions would not survive being tracked again. */
function hostWith({
  raw = [],
  filter = [],
}: {
  readonly raw?: readonly string[]
  readonly filter?: readonly string[]
}) {
  const dump = [
    ...(raw.length === 0 ? [] : ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...raw, 'COMMIT']),
    ...['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...filter, 'COMMIT'],
    '',
  ]
  return factsWith({
    conntrack: {
      usage: known(0.97),
      tool: known(false),
      settings: known({ tcp_loose: '0', enable_hooks: '0' }),
    },
    listeners: { sockets: known([80, 443].map((port) => ({ protocol: 'tcp', address: '0.0.0.0', port }))) },
    entries: {
      sample: known({
        read: 1000,
        total: 1000,
        unreadable: 0,
        bySource: [],
        byDestinationPort: [
          { key: 'tcp 443', protocol: 'tcp', port: 443, entries: 500, share: 0.5, local: 1 },
          { key: 'tcp 80', protocol: 'tcp', port: 80, entries: 400, share: 0.4, local: 1 },
        ],
        byProtocol: [],
        byState: [],
        remaining: null,
      }),
    },
    firewall: { nft: { ip: known(dump.join('\n')), ip6: known(null) } },
  })
}

function planOf(facts: Facts, strategy = 'auto', ports: readonly Service[] | null = null): IndicativePlan {
  const wish = { strategy, playbooks, ports, thresholds: DEFAULT_THRESHOLDS, where: null }
  const result = foretellRecorded({ host: 'h', status: 'read', facts }, wish)
  if (result.status !== 'indicative') throw new Error(JSON.stringify(result))
  return result.plan
}

describe('sessions are feared for where a plan leaves flows untracked', () => {
  const established = ['-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT']
  const dns = [
    '-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack',
    '-A OUTPUT -p udp -m udp --sport 53 -j CT --notrack',
  ]
  const feared = (notes: readonly string[]) => notes.filter((note) => /rollback|until they time out/.test(note))

  test('by rules that it adds', () => {
    expect(feared(planOf(hostWith({ filter: established }), 'notrack').notes)).not.toEqual([])
  })

  test("not by somebody's rules that it removes", () => {
    const plan = planOf(hostWith({ raw: dns, filter: established }), 'unload')
    expect(plan.changes[0]).toMatchObject({ kind: 'firewall', title: expect.stringMatching(/^remove .* in IPv4/) })
    expect(plan.changes.map(({ title }) => title)).toContain('remove 2 rules in IPv4 raw')
    expect(feared(plan.notes)).toEqual([])
  })
})

test('rules of ours that stand already are not said to come', () => {
  const ports: readonly Service[] = [{ protocol: 'tcp', port: 80 }]
  const edits = analyse(hostWith({}), ports).notrack.edits as unknown as readonly Edit[]
  const rows = edits.filter(({ family }) => family === 'ip').map(({ chain, spec }) => `-A ${chain} ${spec}`)
  expect(rows).not.toEqual([])
  const plan = planOf(hostWith({ raw: rows }), 'notrack', ports)
  expect(plan.kept).toContain('add 4 rules in IPv4 raw')
  expect(plan.changes.map(({ title }) => title)).not.toContain('add 4 rules in IPv4 raw')
})
