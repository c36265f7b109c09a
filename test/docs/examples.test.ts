import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { playbookCheckCommand } from '../../src/cli/commands/playbook.ts'
import { DEFAULT_THRESHOLDS } from '../../src/diagnosis/thresholds.ts'
import type { Facts } from '../../src/model/facts.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { judgeHost } from '../../src/run/judge-host.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import type { Service } from '../../src/strategies/notrack-analysis.ts'
import { recordedAnswers } from '../facts/answers.ts'
import { desk } from '../support/desk.ts'

/** What docs/playbooks.md says of its three examples. */

const FILES = readdirSync('docs/examples').flatMap((name) => (name.endsWith('.yaml') ? [`docs/examples/${name}`] : []))
const DNS: readonly Service[] = [{ protocol: 'udp', port: 53 }]

test('each example of the docs is fine', () => {
  const { terminal, printed, said } = desk()
  expect(playbookCheckCommand(FILES, terminal)).toBe(0)
  expect(printed).toEqual([
    'docs/examples/dns-untracked.yaml: fine (dns-untracked, 6 steps)',
    'docs/examples/nat-gateway.yaml: fine (nat-gateway, 6 steps)',
    'docs/examples/site-baseline.yaml: fine (site-baseline, 5 steps)',
  ])
  expect(said).toEqual([])
})

const NO_GATEWAY = 'this host forwards no packets, so it is no gateway'
const NODE = 'max and buckets belong to the node that this container or namespace runs on'
const verdicts: readonly [playbook: string, system: string, told: string | null][] = [
  ['nat-gateway', 'centos-7', null],
  ['nat-gateway', 'debian-12-docker', null],
  ['nat-gateway', 'rhel-6', NO_GATEWAY],
  ['nat-gateway', 'debian-12-linux-6.18', NO_GATEWAY],
  ['nat-gateway', 'openvz', NODE],
  ['dns-untracked', 'debian-12-linux-6.18', null],
  ['dns-untracked', 'centos-5', 'nothing listens on port 53 over udp here'],
  ['dns-untracked', 'centos-7', 'udp port 53: its packets may be translated, and untracked packets never are'],
  ['site-baseline', 'alpine-login-user', null],
  ['site-baseline', 'centos-7', null],
  ['site-baseline', 'openvz', 'a container; its settings belong to the node that it runs on'],
]

test.each(verdicts)('%s on %s', (name, system, told) => {
  const { choice, verdict } = judged(name, system)
  expect([choice.type, verdict?.verdict]).toEqual(told === null ? ['chosen', 'eligible'] : ['none', 'ineligible'])
  if (told !== null) expect(verdict?.reasons.join('\n')).toContain(told)
})

test('a NAT gateway gets a million entries, a bucket for each, and the time that RFC 5382 asks for', () => {
  const { steps } = judged('nat-gateway', 'centos-7')
  expect(steps.map(({ kind, want }) => [kind, want]).slice(0, 4)).toEqual([
    ['hash-size', { buckets: 1_048_576 }],
    ['sysctl', { key: 'net.netfilter.nf_conntrack_max', value: 1_048_576 }],
    ['sysctl', { key: 'net.netfilter.nf_conntrack_tcp_timeout_established', value: 7440 }],
    [
      'file',
      {
        path: '/etc/sysctl.d/90-nat-gateway.conf',
        content:
          'net.netfilter.nf_conntrack_max = 1048576\nnet.netfilter.nf_conntrack_tcp_timeout_established = 7440\n',
      },
    ],
  ])
})

test('where memory cannot hold it, a NAT gateway is left as it is, with the numbers', () => {
  const { verdict } = judged('nat-gateway', 'centos-5')
  expect(verdict?.reasons.map((reason) => reason.replaceAll('\u202f', ' '))).toContain(
    'memory can spare a table of 336 229 entries, not one of 1 048 576: 181 MiB are available',
  )
})

test('DNS goes untracked in both directions, and over udp alone', () => {
  const { steps } = judged('dns-untracked', 'debian-12-linux-6.18')
  const wants = steps.filter(({ kind }) => kind === 'firewall').map(({ want }) => want) as unknown as readonly {
    readonly edits: readonly { readonly spec: string }[]
  }[]
  const untracking = wants
    .flatMap(({ edits }) => edits.map(({ spec }) => spec))
    .filter((spec) => spec.includes('--notrack'))
  expect(untracking.filter((spec) => spec.includes('--dport 53'))).not.toEqual([])
  expect(untracking.filter((spec) => spec.includes('--sport 53'))).not.toEqual([])
  expect(untracking.filter((spec) => !spec.includes('-p udp'))).toEqual([])
})

test('without --ports 53/udp, DNS is told to be asked for', () => {
  expect(judged('dns-untracked', 'debian-12-linux-6.18', null).verdict?.reasons).toContain(
    'this is about port 53 over udp alone: add --ports 53/udp',
  )
})

test('the baseline follows the memory, and sets nothing of tracking where there is none', () => {
  expect(judged('site-baseline', 'alpine-login-user').steps.map(({ want }) => want)).toEqual([
    { key: 'net.core.somaxconn', value: 2048 },
    { key: 'net.ipv4.tcp_max_syn_backlog', value: 2048 },
    {
      path: '/etc/sysctl.d/60-site-baseline.conf',
      content: 'net.core.somaxconn = 2048\nnet.ipv4.tcp_max_syn_backlog = 2048\n',
    },
  ])
  expect(judged('site-baseline', 'centos-7').steps[0]?.want).toEqual({ key: 'net.core.somaxconn', value: 8192 })
})

function judged(name: string, system: string, ports = name === 'dns-untracked' ? DNS : null) {
  const answer = recordedAnswers().find((each) => each.system === system)
  const { playbooks, wanted } = loadPlaybooks(`docs/examples/${name}.yaml`, STEP_KINDS)
  // The cases hold what the parsers gave, as JSON.
  const facts = answer?.facts as Facts
  const { choice } = judgeHost(facts, { strategy: wanted, playbooks, ports, thresholds: DEFAULT_THRESHOLDS })
  const verdict = choice.considered.find(({ strategy }) => strategy === wanted)
  return { choice, verdict, steps: choice.type === 'chosen' ? choice.steps : [] }
}
