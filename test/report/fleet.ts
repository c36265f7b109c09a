import type { Change } from '../../src/model/change.ts'
import type { Fault } from '../../src/model/fault.ts'
import type { Finding } from '../../src/model/finding.ts'
import type { Host } from '../../src/model/host.ts'
import type { Plan } from '../../src/model/plan.ts'
import type { HostResult } from '../../src/model/result.ts'
import type { Run } from '../../src/model/run.ts'
import type { Verdict } from '../../src/model/verdict.ts'

function aHost(name: string): Host {
  return {
    name,
    groups: ['web'],
    address: '198.18.0.10',
    port: 22,
    user: 'root',
    identityFiles: [],
    knownHostsFiles: [],
    become: 'none',
    transport: 'ssh',
    vars: {},
    origin: 'inventory.yaml:4:5',
  }
}

export function aChange(change: Partial<Change> = {}): Change {
  return {
    id: '1-sysctl',
    kind: 'sysctl',
    title: 'set net.netfilter.nf_conntrack_max to 1572864',
    phase: 'runtime',
    want: { key: 'net.netfilter.nf_conntrack_max', value: '1572864' },
    before: { value: '262144' },
    after: { value: '1572864' },
    shown: {
      before: ['net.netfilter.nf_conntrack_max = 262144'],
      after: ['net.netfilter.nf_conntrack_max = 1572864'],
    },
    probe: 'cat /proc/sys/net/netfilter/nf_conntrack_max',
    apply: 'printf 1572864 > /proc/sys/net/netfilter/nf_conntrack_max',
    undo: 'printf 262144 > /proc/sys/net/netfilter/nf_conntrack_max',
    stage: '',
    unstage: '',
    volatile: false,
    notes: [],
    ...change,
  }
}

const INPUT_RULES = [
  '-P INPUT DROP',
  '-A INPUT -i lo -j ACCEPT',
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
  '-A INPUT -p tcp -m tcp --dport 443 -m conntrack --ctstate NEW -j ACCEPT',
]
const TWIN =
  '-A INPUT -p tcp -m tcp --dport 443 -m conntrack --ctstate UNTRACKED -m comment --comment "ctfleet:notrack:1" -j ACCEPT'

const TUNE_CHANGES: readonly Change[] = [
  aChange(),
  aChange({
    id: '2-file',
    kind: 'file',
    title: 'write /etc/sysctl.d/90-ctfleet-conntrack.conf',
    phase: 'persist',
    shown: { before: ['(no such file)'], after: ['net.netfilter.nf_conntrack_max = 1572864'] },
  }),
]

const NOTRACK_CHANGES: readonly Change[] = [
  aChange({
    id: '1-firewall',
    kind: 'firewall',
    title: 'add 1 rule in IPv4 filter',
    shown: { before: INPUT_RULES, after: [...INPUT_RULES, TWIN] },
  }),
  aChange({
    id: '2-flush-entries',
    kind: 'flush-entries',
    title: 'delete the entries of tcp flows to port 443',
    volatile: true,
    shown: { before: ['some for tcp port 443'], after: ['none for tcp port 443'] },
    notes: ['Downloads that pause for longer than a minute while the rules change are cut off'],
  }),
]

const DROPPING: Finding = {
  rule: 'dropping-now',
  severity: 'critical',
  title: '1 240 packets dropped in 2 s because the table was full',
  evidence: ['drop: 98 113, then 99 353'],
  lost: { packets: 1240, seconds: 2 },
}
const NEAR_FULL: Finding = {
  rule: 'near-full',
  severity: 'warning',
  title: 'table 96 % full (251 658 of 262 144 entries)',
  evidence: ['usage: 96 %, and 75 % is too much (251 658 of 262 144 entries)'],
  table: { entries: 251_658, max: 262_144 },
}

const CONSIDERED: readonly Verdict[] = [
  {
    strategy: 'unload',
    verdict: 'ineligible',
    reasons: ['rule 3 of INPUT lets answers in: -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'],
    vars: {},
  },
  { strategy: 'notrack', verdict: 'eligible', reasons: [], vars: {} },
  { strategy: 'tune', verdict: 'eligible', reasons: ['notrack comes first'], vars: { max: 1572864, buckets: 196608 } },
]

export function aPlan(host: string, plan: Partial<Plan> = {}): Plan {
  return {
    id: '3f2a9c51d0e877aa9b0c63a0e0a5d4b2f4e0f1a2b3c4d5e6f708192a3b4c5d6e',
    host: aHost(host),
    strategy: 'tune',
    boundTo: { probe: 'cat /proc/sys/kernel/random/boot_id', digest: 'abc' },
    considered: CONSIDERED,
    findings: [NEAR_FULL],
    changes: TUNE_CHANGES,
    kept: ['set the hash table to 262144 buckets'],
    notes: [],
    rollbackNotes: [],
    gates: [{ gate: 'reads-back' }],
    script: '#!/bin/sh\nexit 0\n',
    ...plan,
  }
}

export function aFault(fault: Partial<Fault> = {}): Fault {
  return {
    code: 'host-key-changed',
    message: 'its host key is not the one in ~/.ssh/known_hosts:12 (SHA256:Qk3…), but SHA256:9aB…',
    next: 'find out why it changed; if it was reinstalled: ssh-keygen -R 198.18.0.13, then ssh 198.18.0.13 once',
    ...fault,
  }
}

const notrackPlan = (host: string, findings: readonly Finding[]) =>
  aPlan(host, {
    strategy: 'notrack',
    findings,
    changes: NOTRACK_CHANGES,
    kept: [],
    notes: ['Packets to and from port 443 are let through by address and port alone'],
    gates: [
      { gate: 'reads-back' },
      { gate: 'login' },
      { gate: 'ports', ports: [22, 443] },
      {
        gate: 'drops',
        mostPerSecond: 0,
        withinSeconds: 10,
        beforePerSecond: findings.length > 1 ? 620 : 0,
        because: 'entries are deleted at once',
      },
      { gate: 'invalid', mostPerSecond: 25, withinSeconds: 10, beforePerSecond: findings.length > 1 ? 2 : 0 },
    ],
  })

/** Six hosts as a plan meets them: two with the same change, one blocked, one out of reach, two healthy. */
export const PLANNED_FLEET: readonly HostResult[] = [
  { host: 'lb-1', status: 'healthy', findings: [], considered: CONSIDERED },
  { host: 'web-1', status: 'planned', plan: notrackPlan('web-1', [NEAR_FULL]) },
  { host: 'web-2', status: 'planned', plan: notrackPlan('web-2', [DROPPING, NEAR_FULL]) },
  { host: 'db-3', status: 'unreachable', fault: aFault() },
  { host: 'lb-2', status: 'healthy', findings: [], considered: CONSIDERED },
  {
    host: 'nat-1',
    status: 'blocked',
    findings: [DROPPING],
    considered: CONSIDERED.map((verdict) => ({
      ...verdict,
      verdict: 'ineligible',
      reasons: ['the host translates addresses'],
    })),
    why: 'notrack does not fit: the host translates addresses',
  },
]

const LOSS = 'tcp_loose is 0: TCP sessions that are open during a later rollback will not survive it'

/** How an apply may end, one host for each way. */
export const ENDED_FLEET: readonly HostResult[] = [
  {
    host: 'web-1',
    status: 'applied',
    plan: aPlan('web-1'),
    transaction: '3fe12545e6',
    checked: [
      { gate: 'reads-back', held: true, message: 'every change reads back as planned' },
      { gate: 'login', held: true, message: 'a new login works' },
    ],
  },
  { host: 'web-2', status: 'declined', plan: aPlan('web-2') },
  { host: 'web-3', status: 'skipped', plan: aPlan('web-3') },
  {
    host: 'web-9',
    status: 'skipped',
    plan: aPlan('web-9', { sessionLoss: [LOSS] }),
    why: `sessions may break when it is taken back (${LOSS}). To apply it all the same: --accept-session-loss`,
  },
  { host: 'web-4', status: 'already-right', plan: aPlan('web-4', { changes: [] }) },
  {
    host: 'web-5',
    status: 'rolled-back',
    plan: aPlan('web-5'),
    transaction: '0aa1b2c3d4',
    checked: [
      { gate: 'login', held: true, message: 'a new login works' },
      { gate: 'ports', held: false, message: 'port 443 no longer answered after the change' },
    ],
    fault: aFault({
      code: 'not-verified',
      message: 'port 443 no longer answered after the change; everything was taken back',
      next: 'plan again: ctfleet plan',
    }),
  },
  {
    host: 'web-6',
    status: 'needs-hands',
    plan: aPlan('web-6'),
    transaction: '77ffee0011',
    fault: aFault({
      code: 'undo-failed',
      message: 'not everything could be taken back: add 1 rule in IPv4 filter: exit 4',
      next: 'on the host: cat /var/lib/ctfleet/77ffee0011/journal, mend it, then sh /var/lib/ctfleet/77ffee0011/undo',
    }),
  },
  {
    host: 'web-7',
    status: 'refused',
    plan: aPlan('web-7'),
    fault: aFault({
      code: 'drifted',
      message: 'it is no longer as the plan saw it; nothing was touched',
      next: 'plan again: ctfleet plan',
    }),
  },
  { host: 'web-8', status: 'not-reached', why: 'the run was stopped before its turn' },
]

export function aRun(run: Partial<Run> = {}): Run {
  return {
    id: '20261126-0942-7f3a',
    command: 'apply',
    startedAt: '2026-11-26T09:42:11.000Z',
    endedAt: '2026-11-26T09:43:00.000Z',
    by: 'alice@bastion',
    inventory: 'inventory.yaml',
    of: null,
    results: ENDED_FLEET,
    ...run,
  }
}
