import type { Explanation, PortDecision } from '../../src/model/explanation.ts'
import type { IndicativePlan } from '../../src/model/indicative.ts'
import { known, unknown } from '../../src/model/reading.ts'
import type { ExplainResult, ForetoldResult } from '../../src/model/result.ts'
import { aFault } from './fleet.ts'

const exactly = (value: number) => ({ value, low: value, high: value })

const COUNTED = { basis: known({ basis: 'counted' } as const) }

function port(number: number, share: number, decision: PortDecision['decision'], why: string): PortDecision {
  const bounds = { value: share, low: Math.max(0, share - 0.03), high: Math.min(1, share + 0.03) }
  const listens = known(decision !== 'not-listening')
  return { protocol: 'tcp', port: number, entries: share * 500, share: bounds, local: 1, listens, decision, why }
}

/** A web server whose table is almost full, sampled. */
export const EXPLAINED: Explanation = {
  locked: null,
  health: 'unwell',
  findings: [
    {
      rule: 'near-full',
      severity: 'critical',
      title: 'table 96 % full (251\u202f658 of 262\u202f144 entries)',
      evidence: ['usage: 96 %, and 75 % is too much'],
    },
  ],
  table: {
    entries: known(251_658),
    max: known(262_144),
    buckets: known(65_536),
    entrySize: { bytes: 320, measured: false, why: 'the kernel has no /proc/slabinfo' },
    bytes: known(81_054_848),
  },
  strategies: [
    {
      title: 'take the stateful rules out and unload connection tracking',
      verdict: {
        strategy: 'unload',
        verdict: 'ineligible',
        reasons: ['filter: -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT lets answers in'],
        vars: {},
      },
      effect: {
        remedy: 'unload',
        form: 'modules',
        entriesFreed: known(exactly(251_658)),
        entriesLeft: known(exactly(0)),
        usageAfter: known(exactly(0)),
        bytesFreed: known(exactly(81_054_848)),
        atOnce: known(true),
        pace: 'at once, and no flow takes a new entry',
        ...COUNTED,
      },
    },
    {
      title: 'leave the busiest services out of connection tracking',
      verdict: { strategy: 'notrack', verdict: 'eligible', reasons: ['the first that fits'], vars: {} },
      effect: {
        remedy: 'notrack',
        services: [{ protocol: 'tcp', port: 443 }],
        share: known({ value: 0.81, low: 0.773, high: 0.842 }),
        entriesFreed: known({ value: 203_843, low: 194_532, high: 211_896 }),
        entriesLeft: known({ value: 47_815, low: 39_762, high: 57_126 }),
        usageAfter: known({ value: 0.182, low: 0.152, high: 0.218 }),
        bytesFreed: known({ value: 65_229_760, low: 62_250_240, high: 67_806_720 }),
        atOnce: known(true),
        pace: 'they go at once: they are deleted',
        basis: known({ basis: 'sample', read: 500, total: 251_658 }),
      },
    },
    {
      title: 'enlarge the table where it is small, and shorten its timeouts',
      verdict: {
        strategy: 'tune',
        verdict: 'unsure',
        reasons: ['how much memory is available is not known'],
        vars: {},
      },
      effect: {
        remedy: 'tune',
        max: { from: known(262_144), to: known(503_316) },
        buckets: { from: known(65_536), to: known(65_536) },
        demand: known(503_316),
        demandBecause: 'twice the 251\u202f658 entries that fill 96 % of the table',
        fits: unknown('/proc/meminfo has no MemAvailable line'),
        bytesWhenFull: known(161_585_408),
        bytesMoreThanNow: known(80_530_560),
        entriesFreed: known(exactly(0)),
        entriesLeft: known(exactly(251_658)),
        usageAfter: known(exactly(0.5)),
        bytesFreed: known(exactly(0)),
        atOnce: known(true),
        pace: 'none goes at once, and each keeps its old timeout until its next packet',
        ...COUNTED,
      },
    },
  ],
  choice: { strategy: 'notrack', why: 'leave the busiest services out of connection tracking: the first that fits' },
  standing: [],
  ports: known([
    port(443, 0.81, 'chosen', 'listens here, and holds 78 % of what the table may hold'),
    port(22, 0.08, 'ssh', 'ssh, the way in: left alone unless named with --ports'),
    port(8443, 0.05, 'not-listening', 'nothing on this host listens there'),
  ]),
  root: known(true),
}

export const EXPLAINED_FLEET: readonly ExplainResult[] = [
  { host: 'web-1', status: 'explained', explanation: EXPLAINED },
  {
    host: 'lb-1',
    status: 'explained',
    explanation: {
      ...EXPLAINED,
      health: 'healthy',
      findings: [],
      strategies: [],
      choice: { strategy: null, why: 'the host is healthy' },
      ports: unknown('only root may read /proc/net/nf_conntrack'),
      root: known(false),
    },
  },
  { host: 'db-3', status: 'unreachable', fault: aFault() },
  { host: 'db-4', status: 'not-reached', why: 'the run was stopped before its turn' },
]

const INDICATIVE: IndicativePlan = {
  appliable: false,
  strategy: 'tune',
  considered: [{ strategy: 'tune', verdict: 'eligible', reasons: ['asked for by name'], vars: { max: 503_316 } }],
  findings: EXPLAINED.findings,
  changes: [
    {
      kind: 'sysctl',
      title: 'set net.netfilter.nf_conntrack_max to 503316',
      phase: 'runtime',
      before: known(['net.netfilter.nf_conntrack_max = 262144']),
      after: known(['net.netfilter.nf_conntrack_max = 503316']),
      notes: [],
    },
    {
      kind: 'file',
      title: 'write /etc/sysctl.d/90-ctfleet-conntrack.conf',
      phase: 'persist',
      before: unknown('what is in the file now is not among the facts'),
      after: known(['net.netfilter.nf_conntrack_max = 503316']),
      notes: [],
    },
  ],
  kept: ['set the hash table to 65536 buckets'],
  notes: ['This relieves the symptom and does not cure it'],
}

export const FORETOLD_FLEET: readonly ForetoldResult[] = [
  { host: 'web-1', status: 'indicative', plan: INDICATIVE },
  { host: 'web-2', status: 'indicative', plan: { ...INDICATIVE, changes: [] } },
  { host: 'lb-1', status: 'healthy', findings: [], considered: [] },
  { host: 'db-3', status: 'unreachable', fault: aFault() },
]
