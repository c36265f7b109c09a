import { expect, test } from 'vitest'
import { approve } from '../../src/cli/approve.ts'
import { backwards } from '../../src/report/backwards.ts'
import { REPORTS } from '../../src/report/catalog.ts'
import { aChange, aPlan, aRun } from './fleet.ts'
import { plain } from './paper.ts'

const titles = (...changes: readonly (readonly [kind: string, title: string])[]) =>
  backwards(aPlan('web-1', { changes: changes.map(([kind, title]) => aChange({ kind, title })) })).changes.map(
    ({ title }) => title,
  )

test('the last change comes first, and each says what its undo does', () => {
  expect(
    titles(
      ['firewall', 'add 4 rules, remove 1 rule in IPv4 raw'],
      ['flush-entries', 'delete the entries of tcp flows to port 443'],
      ['rules-file', 'add 2 rules in /etc/iptables/rules.v4, which is made'],
      ['kernel-modules', 'unload xt_state, nf_conntrack'],
      ['sysctl', 'set net.netfilter.nf_conntrack_max to 1572864'],
      ['file', 'write /etc/sysctl.d/90-ctfleet-conntrack.conf'],
      ['symlink', 'link /etc/a to /etc/b'],
    ),
  ).toEqual([
    'take back: link /etc/a to /etc/b',
    'put /etc/sysctl.d/90-ctfleet-conntrack.conf back as it was',
    'set net.netfilter.nf_conntrack_max back to what it was',
    'load xt_state, nf_conntrack',
    'remove 2 rules in /etc/iptables/rules.v4, which was made for them',
    'the entries of tcp flows to port 443: those that were deleted do not come back',
    'remove 4 rules, add 1 rule in IPv4 raw',
  ])
})

test('its two sides are swapped, but for what does not come back', () => {
  const [entries, rule] = backwards(
    aPlan('web-1', { changes: [aChange(), aChange({ volatile: true, kind: 'flush-entries' })] }),
  ).changes
  expect(rule?.shown).toEqual({ before: aChange().shown.after, after: aChange().shown.before })
  expect(entries?.shown).toEqual({ before: [], after: [] })
})

test('a person is asked about a rollback in its own words, for what it takes back', async () => {
  const questions: string[] = []
  const want = { protocol: 'tcp', ports: [80, 443], addresses: [] }
  const plan = aPlan('web-1', { strategy: 'notrack', changes: [aChange({ want })] })
  const asked = async (question?: () => string) =>
    await approve(
      [{ host: 'web-1', status: 'planned', plan }],
      {
        ask: async (text) => {
          questions.push(text)
          return 'no'
        },
        question,
        accept: null,
        show: () => {},
      },
      { by: 'alice@bastion', now: () => new Date() },
    )
  await asked()
  await asked(() => 'web-1: take back?')
  expect(questions).toEqual(['web-1: notrack 80/tcp and 443/tcp, 1 change. Go ahead?', 'web-1: take back?'])
})

test('the record of a rollback is told as what it did, in every format that people read', () => {
  const plan = aPlan('web-1', { strategy: 'notrack', changes: [aChange({ kind: 'sysctl', title: 'set a.b to 2' })] })
  const result = { host: 'web-1', status: 'rolled-back', plan, transaction: 't', fault: null } as const
  const run = aRun({ command: 'rollback', results: [result] })
  for (const format of ['text', 'markdown', 'html'] as const) {
    const told = REPORTS[format].write({ run, later: [] }, plain(200))
    expect(told, format).toContain('set a.b back to what it was')
    expect(told, format).not.toContain('set a.b to 2')
  }
  // What pipelines group by keeps the name that it has on record.
  expect(REPORTS.junit.write({ run, later: [] })).toContain('classname="ctfleet.rollback.notrack"')
})
