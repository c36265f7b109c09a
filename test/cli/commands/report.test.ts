import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reportCommand } from '../../../src/cli/commands/report.ts'
import { InputError } from '../../../src/input/complaint.ts'
import { databaseStore } from '../../../src/store/database.ts'
import { aRun } from '../../report/fleet.ts'
import { INCIDENT } from '../../report/incident.ts'
import { desk } from '../../support/desk.ts'
import { ownState } from '../../support/own-state.ts'

const state = ownState()
let directory: string

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ctfleet-report-'))
  const store = databaseStore(state(), (sentence) => {
    throw new Error(sentence)
  })
  await store.save(INCIDENT)
  await store.save(
    aRun({
      id: '20261126-1003-02b1',
      command: 'rollback',
      of: INCIDENT.id,
      startedAt: '2026-11-26T10:03:00.000Z',
      endedAt: '2026-11-26T10:04:00.000Z',
      results: INCIDENT.results.slice(0, 1),
    }),
  )
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function report(words: { run?: string; format?: string; output?: string }) {
  const { terminal, printed, said } = desk()
  const code = await reportCommand({ run: INCIDENT.id, ...words }, terminal)
  return { code, printed: printed.join(''), said: said.join('\n') }
}

describe('a run on record, with what became of it later', () => {
  test.each([
    ['text', 'Later: rollback 20261126-1003-02b1 by alice@bastion'],
    ['json', '"id": "20261126-1003-02b1"'],
    ['markdown', 'Later: rollback `20261126-1003-02b1` by `alice@bastion`'],
    ['html', '<dt>Later</dt><dd>rollback <code>20261126-1003-02b1</code>'],
  ])('as %s', async (format, later) => {
    const { code, printed } = await report({ format })
    expect(code).toBe(0)
    expect(printed).toContain(later)
    expect(printed).toContain('port 443 no longer answered')
    expect(printed.endsWith('\n')).toBe(true)
  })

  test('as JUnit and as metrics', async () => {
    expect((await report({ format: 'junit' })).printed).toMatch(/^<\?xml .*<testsuites .*<\/testsuites>\n$/s)
    expect((await report({ format: 'prometheus' })).printed).toContain(
      'ctfleet_run_hosts{command="apply",status="applied"} 3\n',
    )
  })

  test('who approved is in the JSON as it was recorded', async () => {
    const { printed } = await report({ format: 'json' })
    expect(JSON.parse(printed)).toMatchObject({
      run: INCIDENT.id,
      by: 'alice@bastion',
      approvals: expect.arrayContaining([expect.objectContaining({ host: 'lb-2', how: 'same-change' })]),
    })
  })

  test('the last one, and one by the beginning of its id', async () => {
    expect((await report({ run: 'last' })).printed).toContain('Run 20261126-1003-02b1: rollback')
    expect((await report({ run: '20261126-09' })).printed).toContain('Run 20261126-0942-7f3a: apply')
  })
})

describe('into a file', () => {
  test.each([
    ['incident.html', '<!doctype html>'],
    ['incident.HTML', '<!doctype html>'],
    ['incident.md', '# ctfleet apply'],
    ['junit.xml', '<?xml'],
    ['ctfleet.prom', '# HELP'],
    ['run.json', '{\n'],
    ['run', 'Run 20261126-0942-7f3a'],
  ])('%s has its format by its ending', async (name, beginning) => {
    const output = join(directory, name)
    expect(await report({ output })).toEqual({ code: 0, printed: '', said: '' })
    expect(readFileSync(output, 'utf8').startsWith(beginning)).toBe(true)
  })

  test.each(['run.sarif', 'run.docx', 'run.json.gz'])(
    '%s has an ending that no format of a run has, and is not made',
    async (name) => {
      const error = await report({ output: join(directory, name) }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(InputError)
      expect(String(error)).toContain(
        `no format is known by its ending: expected .txt, .json, .md, .xml, .html or .prom, or --format`,
      )
      expect(readdirSync(directory)).toEqual([])
    },
  )

  test.each(['run-2026.11.26', '.run'])('%s has no ending, and is text', async (name) => {
    await report({ output: join(directory, name) })
    expect(readFileSync(join(directory, name), 'utf8')).toMatch(/^Run 20261126-0942-7f3a/)
  })

  test('a format that was named is written under any ending', async () => {
    await report({ output: join(directory, 'run.docx'), format: 'text' })
    expect(readFileSync(join(directory, 'run.docx'), 'utf8')).toMatch(/^Run 20261126-0942-7f3a/)
  })

  test('a format that was named wins', async () => {
    const output = join(directory, 'incident.html')
    await report({ output, format: 'markdown' })
    expect(readFileSync(output, 'utf8')).toContain('# ctfleet apply')
  })

  test('an older one is replaced whole, and nothing is left beside it', async () => {
    const output = join(directory, 'run.md')
    writeFileSync(output, 'x'.repeat(1_000_000))
    const before = statSync(output).ino
    await report({ output })
    expect(readFileSync(output, 'utf8')).toMatch(/^# ctfleet apply/)
    expect(statSync(output).ino).not.toBe(before)
    expect(readdirSync(directory)).toEqual(['run.md'])
  })

  test('what is a link is written through, and stays one', async () => {
    const [target, output] = [join(directory, 'target'), join(directory, 'link.md')]
    writeFileSync(target, '')
    symlinkSync(target, output)
    await report({ output })
    expect(readFileSync(target, 'utf8')).toMatch(/^# ctfleet apply/)
    expect(readdirSync(directory).toSorted()).toEqual(['link.md', 'target'])
  })
})

test('all mistakes are told at once, and no file is made', async () => {
  const error = await report({ run: 'nope', format: 'htlm', output: join(directory, 'no', 'such.html') }).catch(
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof InputError)) throw new Error('it is no complaint')
  expect(error.complaints.map(({ file, hint }) => [file, hint])).toEqual([
    ['--format', 'did you mean "html"?'],
    ['--output', 'name a file in a directory of yours'],
    ['nope', 'see which there are: ctfleet runs'],
  ])
  expect(readdirSync(directory)).toEqual([])
})
