import { describe, expect, test } from 'vitest'
import type { Finding, FindingRule } from '../../../src/model/finding.ts'
import type { Plan } from '../../../src/model/plan.ts'
import type { HostResult } from '../../../src/model/result.ts'
import { planText, scriptText } from '../../../src/report/text/plan.ts'
import { fleetSummary } from '../../../src/report/text/status.ts'
import { aChange, aFault, aPlan, PLANNED_FLEET } from '../fleet.ts'
import { marked, plain } from '../paper.ts'

describe('a fleet as it was planned', () => {
  test.each([80, 200])('on %i columns', async (columns) => {
    const text = planText(plain(columns), PLANNED_FLEET).join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot(`../screens/plan-${columns}.txt`)
  })

  test('with colour, the words are the same', async () => {
    const coloured = planText(marked(80), PLANNED_FLEET).join('\n')
    const bare = coloured.replace(/<(?:strong|faint|good|warn|bad|added|removed):|>/g, '')
    expect(bare).toBe(planText(plain(80), PLANNED_FLEET).join('\n'))
    expect(coloured).toContain('<added:+ -A INPUT -p tcp')
    expect(coloured).toContain('<bad:1 unreachable>')
  })
})

test('no line is wider than the paper', () => {
  for (const columns of [40, 80, 137, 200]) {
    const paper = plain(columns)
    for (const line of planText(paper, PLANNED_FLEET)) expect(paper.width(line)).toBeLessThanOrEqual(columns)
  }
})

test('hosts with the same change are shown once, those with another one by themselves', () => {
  const same = ['a', 'b', 'c'].map((host): HostResult => ({ host, status: 'planned', plan: aPlan(host) }))
  const other: HostResult = { host: 'd', status: 'planned', plan: aPlan('d', { changes: [aChange()] }) }
  const heads = planText(plain(80), [...same, other]).filter(
    (line) => /: planned/.test(line) && !line.includes('hosts'),
  )
  expect(heads).toEqual(['a, b, c: planned, tune', 'd: planned, tune'])
})

test('what differs in measured numbers alone is one change, and each host keeps its numbers', () => {
  const planned = (host: string, notes: readonly string[]): HostResult => ({
    host,
    status: 'planned',
    plan: aPlan(host, { notes }),
  })
  const fleet = [
    planned('a', ['it relieves', 'a full table takes 80.0 MiB; 1.9 GiB are available']),
    planned('b', ['it relieves', 'a full table takes 80.0 MiB; 712 MiB are available']),
    planned('c', ['it cures', 'a full table takes 80.0 MiB; 712 MiB are available']),
  ]
  const text = planText(plain(120), fleet).join('\n')
  expect(text).toContain('a, b: planned, tune')
  expect(text).toContain('c: planned, tune')
  expect(text.match(/- it relieves/g)).toHaveLength(1)
  expect(text).toContain('- a: a full table takes 80.0 MiB; 1.9 GiB are available')
  expect(text).toContain('- b: a full table takes 80.0 MiB; 712 MiB are available')
})

test('hosts that no strategy fits for the same reasons are told of once, whatever the numbers in them', () => {
  const alone = (host: string, reason: string): HostResult => {
    const considered = [{ strategy: 'tune', verdict: 'ineligible', reasons: [reason], vars: {} }] as const
    return { host, status: 'no-strategy', findings: [], considered, why: 'no strategy fits this host' }
  }
  const text = planText(plain(120), [
    alone('a', 'it takes 80 MiB; 12 MiB are there'),
    alone('b', 'it takes 160 MiB; 7 MiB are there'),
    alone('c', 'max belongs to the node'),
  ]).join('\n')
  expect(text).toContain('a, b: no-strategy')
  expect(text).toContain('c: no-strategy')
})

test('of many hosts in the same trouble the first few numbers are told, and how many more there are; in full all are', () => {
  const fleet = Array.from({ length: 40 }, (_, at): HostResult => {
    const finding: Finding = { rule: 'near-full', severity: 'warning', title: `table ${60 + at} % full`, evidence: [] }
    return { host: `web-${at}`, status: 'planned', plan: aPlan(`web-${at}`, { findings: [finding] }) }
  })
  const found = (detail: 'short' | 'full') =>
    planText(plain(120), fleet, detail).filter((line) => /table \d+ % full|more such lines/.test(line))
  expect(found('short')).toHaveLength(5)
  expect(found('short').at(-1)?.trim()).toBe('… 36 more such lines …')
  expect(found('full')).toHaveLength(40)
})

test('what may break when it is taken back stands by itself, since it has to be accepted', () => {
  const sessionLoss = ['tcp_loose is 0: sessions will not survive it']
  const planned = (host: string, more: object): HostResult => ({ host, status: 'planned', plan: aPlan(host, more) })
  const text = planText(plain(120), [planned('a', { sessionLoss }), planned('b', {})]).join('\n')
  expect(text).toContain('  May break when it is taken back, and has to be accepted\n    - a: tcp_loose is 0: sessions')
  expect(planText(plain(120), [planned('b', {})]).join('\n')).not.toContain('May break')
})

test('a space at the end of a line that changed is seen', () => {
  const shown = { before: ['allow web'], after: ['allow web '] }
  const plan = aPlan('a', { changes: [aChange({ shown })] })
  const text = planText(plain(80), [{ host: 'a', status: 'planned', plan }]).join('\n')
  expect(text).toContain('- allow web\n')
  expect(text).toContain('+ allow web\\x20\n')
})

test('nothing that a host sent reaches the terminal as it was sent', () => {
  const bad = 'a\x1b[2J\u202e\r\b'
  const change = aChange({ title: bad, shown: { before: [bad], after: [`${bad}${bad}`] }, notes: [bad] })
  const plan = aPlan('a', {
    strategy: bad,
    considered: [{ strategy: bad, verdict: 'unsure', reasons: [bad], vars: { [bad]: 1 } }],
    findings: [{ rule: 'near-full', severity: 'warning', title: bad, evidence: [bad] }],
    changes: [change],
    kept: [bad],
    notes: [bad],
    script: `#!/bin/sh\n${bad}`,
  })
  const results: readonly HostResult[] = [
    { host: bad, status: 'planned', plan },
    { host: 'b', status: 'failed', fault: { code: 'unreadable', message: bad, next: bad } },
    { host: 'c', status: 'blocked', findings: [], considered: [], why: bad },
  ]
  const text = [...planText(plain(80), results), ...scriptText(plain(80), results)].join('\n')
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})

test('where no strategy fits, there is something to type all the same', () => {
  const refused = {
    strategy: 'tune',
    verdict: 'ineligible',
    reasons: ['no'],
    vars: { first_aid: ['type ', 'this'] },
  } as const
  const text = planText(plain(80), [
    { host: 'a', status: 'no-strategy', findings: [], considered: [refused], why: 'no strategy fits this host' },
  ]).join('\n')
  expect(text).toMatch(/ {2}First aid\n {4}- type this\n {2}Next: ctfleet explain --limit a/)
})

test('a strategy by name that does not fit: one that does is named', () => {
  const verdict = (strategy: string, verdict: 'eligible' | 'ineligible') => ({
    strategy,
    verdict,
    reasons: [],
    vars: {},
  })
  const considered = [verdict('unload', 'ineligible'), verdict('tune', 'eligible')]
  const text = planText(plain(80), [{ host: 'a', status: 'blocked', findings: [], considered, why: 'no' }]).join('\n')
  expect(text).toContain('- tune fits, if you want it: ctfleet plan --limit a --strategy tune')
})

test('a host that a transaction has for itself: who has it, and nothing of what would be done', () => {
  const fault = aFault({ code: 'locked', message: 'it is locked', next: 'ctfleet resume 7f3a' })
  const considered = [{ strategy: 'tune', verdict: 'eligible', reasons: [], vars: {} }] as const
  const text = planText(plain(80), [
    { host: 'a', status: 'blocked', findings: [], considered, why: fault.message, fault },
  ]).join('\n')
  expect(text).toContain('a: blocked\n  it is locked\n  Next: ctfleet resume 7f3a')
  expect(text).not.toMatch(/explain|tune/)
})

test('why a value is what it is stands below the values', () => {
  const plan = aPlan('a', {
    considered: [
      { strategy: 'tune', verdict: 'eligible', reasons: ['it fits'], vars: { max: 1024, max_because: 'so' } },
    ],
  })
  const text = planText(plain(80), [{ host: 'a', status: 'planned', plan }]).join('\n')
  expect(text).toMatch(/ {4}max 1.024\n {4}max: so\n/)
})

test('the cause of what cannot be told is said once', () => {
  const finding = {
    rule: 'cannot-tell',
    severity: 'warning',
    title: 'cannot tell it: no file',
    evidence: ['no file'],
  } as const
  const text = planText(plain(80), [{ host: 'a', status: 'healthy', findings: [finding], considered: [] }]).join('\n')
  expect(text.match(/no file/g)).toHaveLength(1)
})

test('a host that answers nobody: what to type at its console', () => {
  const fault = { code: 'connect-timed-out', message: 'no answer', next: 'try again' } as const
  const text = planText(plain(300), [{ host: 'a', status: 'unreachable', fault }]).join('\n')
  expect(text).toMatch(/Is its table full \(at its console: dmesg .*sysctl -w net\.netfilter\.nf_conntrack_max=N/)
})

test('the scripts are shown whole, line by line', () => {
  const lines = scriptText(plain(40), [
    { host: 'a', status: 'planned', plan: aPlan('a', { script: `#!/bin/sh\n${'x'.repeat(100)}\nexit 0` }) },
  ])
  expect(lines).toContain('x'.repeat(100))
  expect(lines).toContain('cat /proc/sys/kernel/random/boot_id')
})

describe('what was found, before what is to become of each host', () => {
  const found = (rule: FindingRule, more: Partial<Finding> = {}): Finding => ({
    rule,
    severity: 'warning',
    title: rule,
    evidence: [],
    ...more,
  })
  const planned = (host: string, ...findings: readonly Finding[]): HostResult => ({
    host,
    status: 'planned',
    plan: aPlan(host, { findings }),
  })
  const summary = (results: readonly HostResult[]) => fleetSummary(plain(100), results).slice(1)

  test('the worst host is named first, with the number that says how bad it is', () => {
    const dropping = (packets: number) => found('dropping-now', { lost: { packets, seconds: 2 } })
    const full = (entries: number) => found('near-full', { table: { entries, max: 1000 } })
    expect(
      summary([
        planned('a', full(800)),
        planned('b', dropping(10), full(990)),
        planned('c', full(960)),
        planned('d', dropping(5000)),
      ]),
    ).toEqual([
      '  dropping now   2  d (2\u202f500 drops/s), b (5 drops/s)',
      '  near full      2  c (96 %), a (80 %)',
      '  planned        4  a, b, c, d',
    ])
  })

  test('what is no trouble by itself makes no line, nor does what was found before a host was changed', () => {
    const applied = { host: 'b', status: 'applied', plan: aPlan('b'), transaction: '3fe12545e6' } as const
    const lines = summary([planned('a', found('busy-port', { severity: 'info' })), applied])
    expect(lines).toEqual(['  planned        1  a', '  applied        1  b'])
  })
})

describe('what is long is shortened, says so, and is whole in full', () => {
  const text = (plan: Plan, detail: 'short' | 'full') =>
    planText(plain(300), [{ host: 'a', status: 'planned', plan }], detail).join('\n')
  const many = (count: number, word: string) => Array.from({ length: count }, (_, at) => `${word} ${at} is it`)

  test('evidence, reasons and what differs', () => {
    const plan = aPlan('a', {
      findings: [{ rule: 'cannot-tell', severity: 'warning', title: 'so', evidence: many(9, 'evidence') }],
      considered: [{ strategy: 'unload', verdict: 'ineligible', reasons: many(9, 'reason'), vars: {} }],
      changes: [aChange({ shown: { before: [], after: many(99, 'line') } })],
    })
    const short = text(plan, 'short')
    expect(short).toContain('… 6 more lines …')
    expect(short).toContain('… 5 more reasons …')
    expect(short).toContain('… 59 more lines …')
    expect(short).toContain('plan --full')
    const full = text(plan, 'full')
    for (const line of [...many(9, 'evidence'), ...many(9, 'reason'), ...many(99, 'line')]) expect(full).toContain(line)
    expect(full).not.toContain('…')
  })

  test('what is short is not touched, and nobody is told of more', () => {
    expect(text(aPlan('a'), 'short')).toBe(text(aPlan('a'), 'full'))
  })

  test('what has to be accepted is never left out', () => {
    const sessionLoss = (host: string) => [`tcp_loose is 0 on ${host}`]
    const fleet = Array.from({ length: 30 }, (_, at): HostResult => {
      const host = `web-${at}`
      return { host, status: 'planned', plan: aPlan(host, { sessionLoss: sessionLoss(host) }) }
    })
    const short = planText(plain(100), fleet).join('\n')
    for (const { host } of fleet) expect(short).toContain(`- ${host}: tcp_loose is 0 on ${host}`)
  })
})
