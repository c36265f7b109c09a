import { AUDIT_RULES, OTHER_RULES } from '../../src/audit/catalog.ts'
import { driftOf } from '../../src/audit/drift.ts'
import { DEFAULT_POLICY } from '../../src/audit/policy.ts'
import { changesSince } from '../../src/audit/since.ts'
import { soonestFirst, trendOf } from '../../src/audit/trend.ts'
import type { AuditReport, AuditResult } from '../../src/model/audit.ts'
import type { Sample } from '../../src/model/history.ts'
import { known } from '../../src/model/reading.ts'
import { auditText } from '../../src/report/text/audit.ts'
import { sinceText } from '../../src/report/text/since.ts'
import { COLUMNS, trendText } from '../../src/report/text/trend.ts'
import { liveRules } from '../../src/strategies/live-rules.ts'
import { audited, rulesOf } from '../audit/auditing.ts'
import { APPLIED, aChange, NO_TRACES } from '../audit/drifting.ts'
import { factsWith, type HEALTHY } from '../diagnosis/sample-facts.ts'
import { plain } from '../report/paper.ts'
import { aSample } from '../store/audit-on-record.ts'

const PAPER = plain(100)

export const AUDIT_SAMPLES: Readonly<Record<string, () => string>> = {
  'docs/audit.md: 4 hosts: 1 critical, 1 warning, 2 info': () => lines(auditText(PAPER, reportOf(FLEET), null)),
  'docs/audit.md: warning drift: what ctfleet applied and is not in': () => {
    const [, ...rest] = lines(auditText(PAPER, reportOf([DRIFTED]), null)).split('\n\n')
    return rest.join('\n\n')
  },
  'docs/history.md: Since audit 20261126-0942-7f3a of 2026-11-26 09:42': () => {
    const audit = { id: '20261126-0942-7f3a', startedAt: '2026-11-26T09:42:00.000Z', by: 'alice@bastion' }
    const before = reportOf([web('web-1', {}), FLEET[1] as AuditResult])
    const after = reportOf([web('web-1', FULL), web('web-2', {})])
    const changes = changesSince(before, after)
    const shown = reportOf([web('web-1', FULL)])
    return lines([...sinceText(PAPER, { audit, changes }), '', ...auditText(PAPER, shown, null)])
  },
  'docs/history.md: web-1': () =>
    lines(
      trendText(
        PAPER,
        soonestFirst(
          readings().flatMap((samples) => trendOf(samples, { since: hoursAgo(480), now: NOW, columns: COLUMNS }) ?? []),
        ),
        NOW,
      ),
    ),
}

const BASE = {
  tcp_timeout_established: 86_400,
  tcp_timeout_time_wait: 120,
  tcp_timeout_fin_wait: 120,
  udp_timeout: 30,
}
const FULL: Given = { count: known(251_658), usage: known(0.96) }
const FILES = known([
  { path: '/etc/modules-load.d/net.conf', lines: ['nf_conntrack'] },
  { path: '/etc/sysctl.d/60-net.conf', lines: ['net.netfilter.nf_conntrack_tcp_timeout_established = 86400'] },
])
/** Tracking is needed there, so that it is nothing to tell of. */
const NEEDED =
  '*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n'

const ENTRIES = { unreadable: 0, bySource: [], byDestinationPort: [], byProtocol: [], byState: [] }
const REMAINING = { told: 500, half: 60, ninety: 600, longest: 86_400 }

type Given = Partial<(typeof HEALTHY)['conntrack']>

function web(host: string, conntrack: Given) {
  const facts = factsWith({
    conntrack: { timeouts: known(BASE), ...conntrack },
    firewall: rulesOf(NEEDED),
    persistence: { files: conntrack.timeouts === undefined ? FILES : known([]) },
    entries: { sample: known({ ...ENTRIES, read: 500, total: 251_658, remaining: REMAINING }) },
  })
  return audited(facts, DEFAULT_POLICY, host)
}

const FLEET: readonly AuditResult[] = [
  web('web-1', FULL),
  web('web-2', { max: known(1_000_000), buckets: known(262_144), hashSize: known(262_144), usage: known(0.02) }),
  web('web-3', { timeouts: known({ ...BASE, tcp_timeout_established: 432_000 }) }),
  web('web-4', { timeouts: known({ ...BASE, tcp_timeout_established: 432_000 }) }),
]

const RULES = [...AUDIT_RULES, ...OTHER_RULES].map(({ id, summary, severity }) => ({
  id,
  summary,
  severity,
  off: false,
}))

function reportOf(results: readonly AuditResult[]): AuditReport {
  return { results, policy: [], rules: RULES }
}

const SET_MAX = aChange({ kind: 'sysctl', want: { key: 'net.netfilter.nf_conntrack_max', value: 1_000_000 } })
const NODE = factsWith({ managers: { present: known([{ name: 'kubernetes', sign: 'process of kubernetes' }]) } })

const DRIFTED: AuditResult = (() => {
  const shown = (max: number) => [`net.netfilter.nf_conntrack_max = ${max}`]
  const title = 'set net.netfilter.nf_conntrack_max to 1000000'
  const well = { title: 'another', phase: 'runtime', inForce: known(true), shown: { now: [], applied: [] } } as const
  const finding = driftOf(
    {
      looked: {
        host: 'db-1',
        status: 'not-in-force',
        transaction: '7f3a',
        restarted: known(false),
        journal: 'stands',
        remark: null,
        changes: [
          { ...well, title, inForce: known(false), shown: { now: shown(524_288), applied: shown(1_000_000) } },
          well,
          well,
        ],
      },
      changes: [SET_MAX, aChange(), aChange()],
      strategy: 'tune',
      facts: NODE,
      live: liveRules(NODE),
      traces: { ...NO_TRACES, started: known([{ name: 'kube-proxy', at: APPLIED + 60 }]) },
    },
    DEFAULT_POLICY,
  )
  const { traits } = web('db-1', {}) as Extract<AuditResult, { readonly status: 'audited' }>
  return { host: 'db-1', status: 'audited', findings: finding === null ? [] : [finding], traits }
})()

const NOW = '2026-11-26T10:00:00.000Z'
const hoursAgo = (hours: number) => new Date(Date.parse(NOW) - hours * 3_600_000).toISOString()

/** Twenty days of a table that grows, by day fuller than by night; and a host that is new. */
function readings(): readonly (readonly Sample[])[] {
  const grows = Array.from({ length: 480 }, (_, at): Sample => {
    const entries = Math.round(118_000 + 150 * at + 22_000 * Math.sin((at / 24) * 2 * Math.PI) + (at % 7) * 300)
    return aSample(hoursAgo(479 - at), { entries, drops: at < 300 ? 0 : 40 })
  })
  const fresh = [3, 2, 1, 0].map((hour) => aSample(hoursAgo(hour), { host: 'db-1', entries: 80_000 }))
  return [grows, fresh]
}

function lines(text: readonly string[]): string {
  return `${text.join('\n')}\n`
}
