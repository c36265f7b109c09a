import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'
import { programWords } from '../support/program.ts'
import { canOpenScreen, openScreen } from '../support/tmux.ts'

/** A fleet in which something else is wrong with each host, as one who audits it sees it. */

const able = canRunLab()
const screens = canOpenScreen()
const CTFLEET = programWords().join(' ')
const WRONG = ['healthy-1', 'web-1', 'web-2', 'open-1', 'dead-1']

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: WRONG })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await lab.host('web-1').fill({ percent: 96 })
  // One direction alone, and by somebody who knew of no accept that it needs.
  await done(
    'open-1',
    `iptables-nft -t raw -A PREROUTING -p tcp --dport 80 -j CT --notrack
iptables-nft -A INPUT -p tcp -m conntrack --ctstate NEW,ESTABLISHED -m tcp --dport 80 -j ACCEPT
iptables-nft -A INPUT -p tcp --dport 80 -j DROP`,
  )
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

describe('what is wrong with each', () => {
  let all: Audit
  beforeAll(async () => {
    if (able.ok) all = auditIn(await ctfleet(['audit', '--format', 'json'], env))
  })

  test('nothing that counts with a healthy host', () => {
    expect(worstOf(all, 'healthy-1')).not.toContain('critical')
    expect(rulesOf(all, 'healthy-1')).not.toContain('near-full')
  })

  test('a nearly full table, with the numbers, from where on it counts, and what to type', () => {
    expect(findingOf(all, 'web-1', 'near-full')).toMatchObject({
      severity: 'critical',
      title: expect.stringMatching(/^table 9[5-7] % full \(25\d.\d{3} of 262.144 entries\)$/),
      threshold: '75 % of max; critical from 95 %',
      remedy: expect.stringMatching(/^ctfleet (plan|explain) --limit web-1$/),
    })
    expect(findingOf(all, 'web-1', 'long-timeouts')).toMatchObject({ severity: 'warning' })
  })

  test('ports left untracked by half, and without the accept that this needs, with the rules by name', () => {
    expect(findingOf(all, 'open-1', 'notrack-half')).toMatchObject({
      severity: 'warning',
      title: 'only half left untracked: IPv4 tcp port 80, but not the packets from it',
      evidence: [expect.stringContaining('-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack')],
    })
    expect(findingOf(all, 'open-1', 'notrack-broken')).toMatchObject({
      severity: 'critical',
      evidence: [
        expect.stringContaining('untracked by'),
        expect.stringContaining('-A INPUT -p tcp -m tcp --dport 80 -j DROP'),
      ],
    })
  })

  test('a host that cannot be asked is told as such, and the audit of the others stands', () => {
    const dead = all.document.hosts.find(({ host }) => host === 'dead-1')
    expect(dead).toMatchObject({ status: 'unreachable', findings: [], fault: { next: expect.any(String) } })
    expect(all.document.counts).toMatchObject({ hosts: 5, audited: 4 })
    expect(all.code).toBe(1)
  })

  test('nothing on them was changed', async () => {
    const host = lab.host('web-2')
    const before = await host.dump()
    await ctfleet(['audit', '--limit', 'web-2'], env)
    expect(await host.dump()).toBe(before)
    expect((await host.exec('ls /var/lib/ctfleet 2> /dev/null | head -n 1')).stdout).toBe('')
  })
})

test('a table that drops while we look is critical', { timeout: 240_000 }, async () => {
  const host = lab.host('web-2')
  // As a careful administrator has it: a full table keeps nobody of them out.
  await done(
    'web-2',
    `iptables -t raw -A PREROUTING -p tcp --dport 22 -j CT --notrack
iptables -t raw -A OUTPUT -p tcp --sport 22 -j CT --notrack
iptables -I INPUT -p tcp --dport 22 -j ACCEPT`,
  )
  await host.fill({ percent: 100 })
  const flood = host.exec(['bash', '-c', FLOOD], { timeoutSeconds: 90 })
  const { document } = auditIn(await ctfleet(['audit', '--limit', 'web-2', '--format', 'json'], env))
  await host.exec('touch /tmp/seen')
  await flood
  const [found] = document.hosts.flatMap(({ findings }) => findings.filter(({ rule }) => rule === 'dropping-now'))
  expect(found, JSON.stringify(document.hosts)).toMatchObject({
    severity: 'critical',
    threshold: 'one packet between two readings',
    title: expect.stringMatching(/\d+ packets?/),
  })
  await host.drain()
})

describe('the exit code', () => {
  test('is 4 where something counts, 0 where nothing is as bad as was said, and waived findings do not count', async () => {
    const audit = async (...words: readonly string[]) =>
      (await ctfleet(['audit', '--limit', 'open-1,healthy-1', ...words], env)).code
    expect(await audit()).toBe(4)
    expect(await audit('--fail-on', 'critical')).toBe(4)
    const healthy = async (...words: readonly string[]) =>
      (await ctfleet(['audit', '--limit', 'healthy-1', ...words], env)).code
    expect(await healthy('--fail-on', 'critical')).toBe(0)
    const policy = join(dir, 'policy.yaml')
    const waived = ['notrack-half', 'notrack-broken', 'cannot-tell', 'ipv6-forgotten', 'long-timeouts']
    await writeFile(
      policy,
      [
        'waivers:',
        ...waived.map((rule) => `  - { rule: ${rule}, hosts: all, reason: known (NET-1), until: 9999-12-31 }`),
      ].join('\n'),
    )
    const said = await ctfleet(['audit', '--limit', 'open-1', '--policy', policy], env)
    expect(said.code, said.stdout).toBe(0)
    expect(said.stdout).toContain('notrack-broken on open-1, until 9999-12-31: known (NET-1)')
  })

  test('is 2 for a policy with mistakes, all of them with their places, before any host is asked', async () => {
    const policy = join(dir, 'bad.yaml')
    await writeFile(
      policy,
      'rules: { near-ful: off }\nown:\n  - { id: x, when: conntrack.mx > 1.0, severity: info, title: t }\n',
    )
    const said = await ctfleet(['audit', '--policy', policy], env)
    expect(said.code).toBe(2)
    expect(said.stderr).toMatch(/bad\.yaml:1:\d+.*near-ful/)
    expect(said.stderr).toMatch(/bad\.yaml:3:\d+.*mx/)
  })

  test('a rule of the site’s own counts as ours do', async () => {
    const policy = join(dir, 'own.yaml')
    await writeFile(
      policy,
      `own:\n  - id: site-usage\n    when: conntrack.usage > 0.9\n    severity: critical\n    title: { cel: '["the table holds ", conntrack.count]' }\n    remedy: call the network team about HOST\n`,
    )
    const { code, document } = auditIn(
      await ctfleet(
        ['audit', '--limit', 'web-1', '--policy', policy, '--fail-on', 'critical', '--format', 'json'],
        env,
      ),
    )
    expect(code).toBe(4)
    const own = document.hosts.flatMap(({ findings }) => findings.filter(({ rule }) => rule === 'site-usage'))
    expect(own).toMatchObject([
      { title: expect.stringMatching(/^the table holds 25\d/), remedy: 'call the network team about web-1' },
    ])
  })
})

describe.each([80, 200])('on a terminal %i columns wide', (columns) => {
  test('each finding is told whole, and no line is broken by the terminal', async (context) => {
    if (!screens.ok) return context.skip(screens.why)
    await using screen = await openScreen({ dir, columns }, env)
    await screen.until(/\$/)
    await writeFile(join(dir, 'ctfleet'), `#!/bin/sh\nexec ${CTFLEET} "$@"\n`, { mode: 0o755 })
    await screen.type(`cd ${dir}; clear; ctfleet audit; echo "ended with $?"`)
    const shown = await screen.until(/ended with \d/, 90)
    for (const part of [
      'critical near-full',
      'critical notrack-broken',
      'warning notrack-half',
      'dead-1',
      'counts from:',
      'Next:',
    ])
      expect(shown).toContain(part)
    expect(shown).toContain('ended with 1')
    // Lines that the terminal had to break are joined again in the text, and then wider than it is.
    const own = shown.split('\n').filter((line) => !line.includes('echo "ended'))
    expect(own.filter((line) => line.length > columns)).toEqual([])
  })
})

/** New flows, some hundreds a second, until the audit is over, and never for longer than a minute. */
const FLOOD = `while [ ! -e /tmp/seen ] && [ $SECONDS -lt 60 ]; do
  for at in {1..40}; do echo x > /dev/udp/198.18.255.254/$((RANDOM + 1024)); done 2> /dev/null
  sleep 0.1
done`

type Finding = {
  readonly rule: string
  readonly severity: string
  readonly title: string
}
type HostSaid = { readonly host: string; readonly status: string; readonly findings: readonly Finding[] }
type Audit = {
  readonly code: number
  readonly document: { readonly counts: object; readonly hosts: readonly HostSaid[] }
}

function auditIn({ code, stdout, stderr }: Said): Audit {
  if (stdout === '') throw new Error(stderr)
  return { code, document: JSON.parse(stdout) }
}

function findingsOf({ document }: Audit, name: string): readonly Finding[] {
  return document.hosts.find(({ host }) => host === name)?.findings ?? []
}

function findingOf(audit: Audit, name: string, rule: string): Finding | undefined {
  return findingsOf(audit, name).find((finding) => finding.rule === rule)
}

function rulesOf(audit: Audit, name: string): readonly string[] {
  return findingsOf(audit, name).map(({ rule }) => rule)
}

function worstOf(audit: Audit, name: string): readonly string[] {
  return findingsOf(audit, name).map(({ severity }) => severity)
}

async function done(name: string, script: string): Promise<void> {
  const host: NamespaceHost = lab.host(name)
  const ended = await host.exec(`set -e\n${script}`)
  if (ended.code !== 0) throw new Error(`${name}: ${ended.stderr}`)
}
