import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { approve } from '../../src/cli/approve.ts'
import { newEvents } from '../../src/cli/events.ts'
import { standingLines } from '../../src/cli/progress-lines.ts'
import { newTally } from '../../src/cli/tally.ts'
import { DEFAULT_THRESHOLDS } from '../../src/diagnosis/thresholds.ts'
import type { FleetEvent } from '../../src/model/event.ts'
import type { Facts } from '../../src/model/facts.ts'
import { known } from '../../src/model/reading.ts'
import type { HostResult } from '../../src/model/result.ts'
import { indicativePlan } from '../../src/plan/indicative.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { planText } from '../../src/report/text/plan.ts'
import { runHeadText } from '../../src/report/text/run.ts'
import { fleetSummary } from '../../src/report/text/status.ts'
import { judgeHost, stepsOf } from '../../src/run/judge-host.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { aChange, aPlan, aRun, PLANNED_FLEET } from '../report/fleet.ts'
import { plain } from '../report/paper.ts'

const PAPER = plain(100)

export const CHANGE_SAMPLES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/operating.md: 6 hosts: 1 unreachable, 1 blocked, 2 planned, 2 he': () => lines(fleetSummary(PAPER, FLEET)),
  'docs/operating.md: ? web-2: notrack 443/tcp, 5 changes (g: the same o': question,
  'docs/operating.md: Approved by alice@bastion by --approve-file, 2026-': () => {
    const given = { by: 'alice@bastion', at: '2026-11-26T09:42:11.000Z', how: 'file' } as const
    const approval = { host: 'web-1', plan: '3f2a', ...given, note: 'approved.txt:2: bob, 2026-11-26' }
    const [, line = ''] = runHeadText(plain(120), aRun({ approvals: [approval] }), [])
    return `${line}\n`
  },
  'docs/operating.md: Applying': progress,
  'docs/operating.md: {"version":1,"time":"2026-11-26T09:42:11.104Z","ev': events,
  'docs/strategies.md: Changes': () => changesOf('unload', UNLOADABLE),
  'docs/strategies.md: -t raw -A PREROUTING -p tcp -m addrtype ! --dst-ty': () => {
    const onOne = changesOf('notrack', ROUTER).replaceAll(/\n {12}/g, ' ')
    const [...rules] = onOne.matchAll(/\+ (-t raw .*)/g)
    // What marks them as ours differs from host to host.
    return lines(rules.map(([, rule = '']) => rule.replace(/ -m comment --comment "[^"]*"/, '')))
  },
  'docs/strategies.md: Changes (2)': () => changesOf('tune', SMALL),
}

/** As a plan shows them, of what the playbook makes of these facts. A file that nobody wrote yet is not there. */
function changesOf(strategy: string, facts: Facts): string {
  const { playbooks } = loadPlaybooks('auto', STEP_KINDS)
  const ports = strategy === 'notrack' ? ([{ protocol: 'tcp', port: 443, forwarded: true }] as const) : null
  const { choice } = judgeHost(facts, { strategy, playbooks, ports, thresholds: DEFAULT_THRESHOLDS })
  if (choice.type !== 'chosen') throw new Error(JSON.stringify(choice))
  const plan = indicativePlan({ strategy, considered: [], findings: [], notes: [] }, stepsOf(choice), facts)
  if (!plan.known) throw new Error(plan.why)
  const changes = plan.value.changes.map(({ kind, title, phase, before, after }) =>
    aChange({
      kind,
      title,
      phase,
      shown: { before: before.known ? before.value : ['(no such file)'], after: after.known ? after.value : [] },
    }),
  )
  const text = lines(planText(PAPER, [{ host: 'web-1', status: 'planned', plan: aPlan('web-1', { changes }) }]))
  const [, section = ''] = /^( {2}Changes\n(?: {4}.*\n)+)/m.exec(text) ?? []
  return section
}

const EMPTY = { max: known(4096), buckets: known(4096), hashSize: known(4096) }

/** Debian 12 with one rule that looks at states. */
const UNLOADABLE = factsWith({
  conntrack: {
    ...EMPTY,
    count: known(4000),
    usage: known(4000 / 4096),
    settings: known({ acct: '0', tcp_loose: '1' }),
  },
  modules: {
    loaded: known([
      { name: 'xt_conntrack', references: 1, holders: [] },
      { name: 'nf_conntrack', references: 1, holders: ['xt_conntrack'] },
      { name: 'nf_defrag_ipv6', references: 1, holders: ['nf_conntrack'] },
      { name: 'nf_defrag_ipv4', references: 1, holders: ['nf_conntrack'] },
    ]),
  },
  firewall: { nft: { ip: known(rules('INPUT', '-m state --state RELATED,ESTABLISHED -j ACCEPT')), ip6: known(null) } },
})
const ROUTER = factsWith({
  conntrack: { count: known(250_000), usage: known(0.95) },
  system: { forwarding: { ip: known(true), ip6: known(false) } },
  firewall: { nft: { ip: known(rules('FORWARD', '-m conntrack --ctstate INVALID -j DROP')), ip6: known(null) } },
})
const SMALL = factsWith({
  memory: { total: known(491_520_000), available: known(400_000_000) },
  conntrack: { ...EMPTY, count: known(4000), usage: known(4000 / 4096) },
})

function rules(chain: string, rule: string): string {
  return `*filter
:${chain} ACCEPT [0:0]
-A ${chain} ${rule}
COMMIT
`
}

async function events(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'ctfleet-docs-'))
  try {
    const path = join(dir, 'events.jsonl')
    const seconds = ['11.104', '14.870', '14.873', '14.873']
    const told = newEvents(
      () => undefined,
      () => new Date(`2026-11-26T09:42:${seconds.shift()}Z`),
    )
    await told.open(path)
    for (const event of EVENTS) told.tell(event)
    await told.close()
    return readFileSync(path, 'utf8')
  } finally {
    rmSync(dir, { recursive: true })
  }
}

const EVENTS: readonly FleetEvent[] = [
  { event: 'stage', phase: 'applying', host: 'web-1', stage: 'changing' },
  { event: 'host-ended', phase: 'applying', host: 'web-1', status: 'applied', code: null, why: null },
  { event: 'gate', host: 'web-1', gate: 'reads-back', held: true, why: 'every change reads back as planned' },
  {
    event: 'result',
    host: 'web-1',
    status: 'applied',
    plan: '6377b2316f27…',
    transaction: '0b52e70417',
    code: null,
    why: null,
  },
]

/** Of whom the router drops less than the web server. */
const FLEET = PLANNED_FLEET.map((result): HostResult => {
  if (result.status !== 'blocked') return result
  const findings = result.findings.map((finding) => ({ ...finding, lost: { packets: 170, seconds: 2 } }))
  return { ...result, findings }
})

/** In the order in which they are offered. */
const KEYS = [...readFileSync('src/cli/ask.ts', 'utf8').matchAll(/key: '(\w)'/g)].map(([, key]) => key).join('')

/** As the prompt puts it: the question, and the letters that it takes. */
async function question(): Promise<string> {
  const planned = ['web-2', 'web-1'].map((host) => {
    const want = { protocol: 'tcp', ports: [443] }
    const changes = [1, 2, 3, 4, 5].map((at) => aChange({ id: String(at), ...(at === 1 ? { want } : {}) }))
    return { host, status: 'planned', plan: aPlan(host, { strategy: 'notrack', changes }) } as const
  })
  let asked = ''
  await approve(
    planned,
    {
      ask: async (message, { same, another }) => {
        if (same && another) asked = `? ${message} (${KEYS}H)\n`
        return 'interrupted'
      },
      accept: null,
      show: () => undefined,
      another: async () => null,
    },
    { by: 'alice', now: () => new Date() },
  )
  return asked
}

function progress(): string {
  let now = 0
  const tally = newTally(100, () => now)
  for (let host = 0; host < 10; host++) tally.end(`first-${host}`, 'applied', null)
  now = 60_000
  tally.remark('wave 2 of 4: 20 hosts', { part: { words: 'wave 2 of 4', hosts: 20 } })
  for (let host = 0; host < 5; host++) tally.end(`second-${host}`, 'applied', null)
  tally.begin('web-17', 'checking')
  tally.begin('web-18', 'changing')
  tally.begin('web-19', 'connecting')
  return lines(standingLines(PAPER, 'Applying', tally, 70_000))
}

function lines(text: readonly string[]): string {
  return `${text.join('\n')}\n`
}
