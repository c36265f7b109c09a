import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { playbookJsonSchema } from '../../src/playbook/schema.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfleet-playbooks-'))
afterAll(() => rmSync(folder, { recursive: true }))
const own = join(folder, 'playbooks')
mkdirSync(own)
const folders = { own, shipped: 'playbooks' }

test('the three remedies load, best first', () => {
  const { playbooks, wanted } = loadPlaybooks('auto', STEP_KINDS)
  expect(playbooks.map(({ name }) => name)).toEqual(['unload', 'notrack', 'tune'])
  expect(wanted).toBe('auto')
})

test("a user's playbook is found by name and by path, beside ours", () => {
  const path = write('mine', 'name: mine\ntitle: M\nsteps: [{sysctl: {key: net.a, value: 1}}]')
  expect(loadPlaybooks('mine', STEP_KINDS, folders).playbooks.map(({ name }) => name)).toEqual([
    'unload',
    'notrack',
    'tune',
    'mine',
  ])
  expect(loadPlaybooks(path, STEP_KINDS, folders).wanted).toBe('mine')
})

test("a user's playbook of the same name goes before ours", () => {
  write('tune', 'name: tune\ntitle: Mine\nsteps: [{sysctl: {key: net.a, value: 1}}]')
  expect(loadPlaybooks('auto', STEP_KINDS, folders).playbooks.map(({ title }) => title)).toContain('Mine')
  rmSync(join(own, 'tune.yaml'))
})

const refused: readonly [wanted: string, told: string][] = [
  ['tnue', '--strategy: no strategy is called "tnue"\n  did you mean "tune"?\n  or give the path of a playbook file'],
  ['entirely', '--strategy: no strategy is called "entirely"\n  known: auto, unload, notrack, tune'],
  ['./none.yaml', './none.yaml: no such file'],
  ['../etc/passwd', '../etc/passwd: no such file'],
]
test.each(refused)('%s is refused', (wanted, told) => {
  expect(() => loadPlaybooks(wanted, STEP_KINDS, { ...folders, own: join(folder, 'none') })).toThrow(told)
})

test('a name that differs from the file is told', () => {
  const path = write('other', 'name: mine\ntitle: M\nsteps: [{sysctl: {key: net.a, value: 1}}]')
  expect(() => loadPlaybooks('other', STEP_KINDS, folders)).toThrow(
    `${path}:1:1 name: is called "mine" in a file named for "other"`,
  )
})

test('the published schema lets every value of a step be an expression', () => {
  const schema = JSON.stringify(playbookJsonSchema(STEP_KINDS))
  for (const { kind } of STEP_KINDS) expect(schema).toContain(`"required":["${kind}"]`)
  expect(JSON.parse(schema).properties.verify.items.anyOf.map(({ type }: { type: string }) => type)).toEqual([
    'string',
    'object',
    'object',
    'object',
  ])
  expect(JSON.parse(schema).properties.steps.items.properties.sysctl.properties.value).toMatchObject({
    anyOf: [{ type: 'integer' }, { $ref: '#/$defs/cel' }],
  })
})

function write(name: string, text: string): string {
  const path = join(own, `${name}.yaml`)
  writeFileSync(path, text)
  return path
}
