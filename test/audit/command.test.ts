import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AuditWords, auditCommand } from '../../src/cli/commands/audit.ts'
import { InputError } from '../../src/input/complaint.ts'
import type { Facts } from '../../src/model/facts.ts'
import { known } from '../../src/model/reading.ts'
import type { FactsResult } from '../../src/model/result.ts'
import { factsJson } from '../../src/report/json/facts.ts'
import { factsWith, HEALTHY } from '../diagnosis/sample-facts.ts'
import { aFault } from '../report/fleet.ts'
import { desk } from '../support/desk.ts'

const FULL = factsWith({ conntrack: { count: known(200_000), usage: known(0.8) } })

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfleet-audit-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

function recorded(hosts: { readonly [host: string]: Facts }, ...others: readonly FactsResult[]): string {
  const read = Object.entries(hosts).map(([host, facts]): FactsResult => ({ host, status: 'read', facts }))
  const made = { takenAt: '2026-11-26T10:00:00.000Z', tool: 'ctfleet', groupsOf: () => ['all', 'web'] }
  return write('facts.json', JSON.stringify(factsJson([...read, ...others], made)))
}

async function audit(words: Partial<AuditWords>) {
  const { terminal, printed } = desk()
  const nothing = { inventory: undefined, inventoryOption: undefined, limit: undefined, forks: undefined }
  const typed = { policy: undefined, failOn: 'warning', facts: undefined, format: 'text', ...nothing, ...words }
  return { code: await auditCommand(typed, terminal), printed: printed.join('\n') }
}

describe('the exit code', () => {
  const unreachable: FactsResult = { host: 'db-1', status: 'unreachable', fault: aFault() }

  test('is 0 where nothing found is as bad as was said, 4 where something is', async () => {
    const facts = recorded({ 'web-1': HEALTHY })
    expect((await audit({ facts })).code).toBe(0)
    expect((await audit({ facts, failOn: 'info' })).code).toBe(4)
    const full = recorded({ 'web-1': HEALTHY, 'web-2': FULL })
    expect((await audit({ facts: full })).code).toBe(4)
    expect((await audit({ facts: full, failOn: 'critical' })).code).toBe(0)
  })

  test('is 1 where a host could not be asked, whatever was found', async () => {
    expect((await audit({ facts: recorded({ 'web-1': FULL }, unreachable) })).code).toBe(1)
  })

  test('counts no finding that is waived, and a waiver that is over', async () => {
    const facts = recorded({ 'web-1': FULL })
    const policy = (until: string) =>
      write(
        'policy.yaml',
        ['near-full', 'long-timeouts'].reduce(
          (yaml, rule) => `${yaml}  - { rule: ${rule}, hosts: web, reason: known, until: ${until} }\n`,
          'waivers:\n',
        ),
      )
    const held = await audit({ facts, policy: policy('9999-12-31') })
    expect(held.code).toBe(0)
    expect(held.printed).toContain('near-full on web-1, until 9999-12-31: known')
    expect((await audit({ facts, failOn: 'critical', policy: policy('2020-01-01') })).code).toBe(0)
    expect((await audit({ facts, policy: policy('2020-01-01') })).code).toBe(4)
  })
})

test('a waiver for nobody of the inventory is told with the findings, and stops nothing', async () => {
  const policy = write('idle.yaml', 'waivers:\n  - { rule: near-full, hosts: wbe-1, reason: r, until: 9999-01-01 }\n')
  const { code, printed } = await audit({ facts: recorded({ 'web-1': FULL }), policy })
  expect(code).toBe(4)
  expect(printed.replaceAll(/\s+/g, ' ')).toContain('the waiver of near-full for wbe-1 is for no host here')
  expect(printed).toContain('did you mean "web-1"?')
})

test('--where and --limit leave the others out', async () => {
  const facts = recorded({ 'web-1': HEALTHY, 'web-2': FULL })
  const { code, printed } = await audit({ facts, where: 'conntrack.usage < 0.5' })
  expect(code).toBe(0)
  expect(printed).toContain('1 host left out by --where.')
  expect((await audit({ facts, limit: 'web-1' })).code).toBe(0)
})

test('all mistakes are told at once', async () => {
  const policy = write('bad.yaml', 'rules: { near-ful: off }\n')
  const words = { facts: recorded({ 'web-1': HEALTHY }), policy, failOn: 'bad', format: 'xml', where: 'no' }
  const error = await audit(words).catch((thrown: unknown) => thrown)
  const files = error instanceof InputError ? error.complaints.map(({ file }) => file) : []
  expect(files).toEqual([policy, '--fail-on', '--format', '--where'])
})

test('JSON holds every host, and nothing besides', async () => {
  const { printed } = await audit({ facts: recorded({ 'web-1': HEALTHY, 'web-2': FULL }), format: 'json' })
  expect(JSON.parse(printed)).toMatchObject({
    version: 1,
    source: { takenAt: '2026-11-26T10:00:00.000Z' },
    counts: { hosts: 2, audited: 2 },
    hosts: [{ host: 'web-1' }, { host: 'web-2', findings: [{ rule: 'near-full' }, {}, {}] }],
  })
})
