import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { auditCommand } from '../../../src/cli/commands/audit.ts'
import { known } from '../../../src/model/reading.ts'
import { factsJson } from '../../../src/report/json/facts.ts'
import { factsWith, HEALTHY } from '../../diagnosis/sample-facts.ts'
import { desk } from '../../support/desk.ts'
import { samplesIn } from '../../support/exposition.ts'

/** In which formats an audit is told, and where; what it tells is tested elsewhere. */

let directory: string
let facts: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfleet-audit-'))
  facts = join(directory, 'facts.json')
  const full = factsWith({ conntrack: { count: known(200_000), usage: known(0.8) } })
  const read = [
    { host: 'web-1', status: 'read', facts: full },
    { host: 'web-2', status: 'read', facts: HEALTHY },
  ] as const
  const made = { takenAt: '2026-11-26T10:00:00.000Z', tool: 'ctfleet', groupsOf: () => ['all', 'web'] }
  writeFileSync(facts, JSON.stringify(factsJson(read, made)))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function audit(words: { readonly format?: string; readonly output?: string; readonly where?: string }) {
  const { terminal, printed } = desk()
  const nothing = { inventory: undefined, inventoryOption: undefined, limit: undefined, forks: undefined }
  const code = await auditCommand({ policy: undefined, failOn: 'warning', facts, ...nothing, ...words }, terminal)
  return { code, printed: printed.join('') }
}

describe('on the terminal', () => {
  test.each([
    ['text', 'indicative: judged from facts recorded at 2026-11-26 10:00:00 UTC\n2 hosts: '],
    ['json', '{\n  "version"'],
    ['junit', '<?xml version="1.0"'],
    ['sarif', '{\n  "$schema": "https://docs.oasis-open.org/sarif/'],
    ['markdown', '# ctfleet audit\n'],
    ['html', '<!doctype html>\n'],
    ['prometheus', '# HELP ctfleet_audit_'],
  ])('as %s, with the same exit code', async (format, beginning) => {
    const { code, printed } = await audit({ format })
    expect(code).toBe(4)
    expect(printed.slice(0, beginning.length)).toBe(beginning)
    expect(printed).toContain('web-1')
  })
})

describe('into a file', () => {
  test.each([
    ['audit.html', '<!doctype html>'],
    ['audit.SARIF', '{\n  "$schema"'],
    ['audit.md', '# ctfleet audit'],
    ['audit.xml', '<?xml'],
    ['audit.prom', '# HELP'],
    ['audit.json', '{\n  "version"'],
    ['audit', 'indicative:'],
  ])('%s has its format by its ending, and nothing is printed', async (name, beginning) => {
    const output = join(directory, name)
    expect(await audit({ output })).toEqual({ code: 4, printed: '' })
    expect(readFileSync(output, 'utf8').startsWith(beginning)).toBe(true)
  })

  test('a collector never sees half of it: an older file is replaced by another one', async () => {
    const output = join(directory, 'ctfleet.prom')
    await audit({ output })
    const before = statSync(output).ino
    await audit({ output })
    expect(statSync(output).ino).not.toBe(before)
    expect(readdirSync(directory).toSorted()).toEqual(['ctfleet.prom', 'facts.json'])
    const samples = samplesIn(readFileSync(output, 'utf8'))
    expect(
      samples.find(({ name, labels }) => name === 'ctfleet_audit_host_findings' && labels.host === 'web-1'),
    ).toBeDefined()
  })
})

test('a format that there is not, and a place that cannot be written, are told together', async () => {
  const error = await audit({ format: 'srif', output: join(directory, 'no', 'such.html') }).catch(
    (thrown: unknown) => thrown,
  )
  expect(String(error)).toContain('expected text, json, junit, sarif, markdown, html or prometheus, found "srif"')
  expect(String(error)).toContain('cannot be written')
  await expect(audit({ output: directory })).rejects.toThrow(/cannot be written: it is a directory/)
})

test('what cannot be written after all, on a disk that is full, is printed and not lost', async () => {
  const { terminal, printed } = desk()
  const nothing = { inventory: undefined, inventoryOption: undefined, limit: undefined, forks: undefined }
  const words = { ...nothing, policy: undefined, failOn: 'warning', facts, format: 'html', output: '/dev/full' }
  await expect(auditCommand(words, terminal)).rejects.toThrow(
    /^--output: \/dev\/full cannot be written: no space is left/,
  )
  expect(printed.join('')).toMatch(/^indicative: .*\n2 hosts: /)
})

test('hosts that --where leaves out are counted in the report', async () => {
  const { printed } = await audit({ format: 'markdown', where: 'conntrack.usage > 0.7' })
  expect(printed).toContain('1 host left out by `--where`.')
  expect(printed).not.toContain('web-2')
})
