import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { playbookCheckCommand, playbookListCommand, playbookShowCommand } from '../../../src/cli/commands/playbook.ts'
import { isJudgedAlways, listPlaybooks } from '../../../src/playbook/listing.ts'
import { playbooksText } from '../../../src/report/text/playbooks.ts'
import { STEP_KINDS } from '../../../src/steps/catalog.ts'
import { plain } from '../../report/paper.ts'
import { desk } from '../../support/desk.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfleet-own-playbooks-'))
afterAll(() => rmSync(folder, { recursive: true }))
const GOOD = 'name: mine\ntitle: My own\nsteps: [{sysctl: {key: net.a, value: 1}}]\n'

test('those of the user stand beside ours, and one with mistakes is listed all the same', () => {
  const own = join(folder, 'playbooks')
  mkdirSync(own)
  writeFileSync(join(own, 'mine.yaml'), GOOD)
  writeFileSync(join(own, 'broken.yaml'), 'name: broken\n')
  writeFileSync(join(own, 'tune.yaml'), GOOD.replace('mine', 'tune'))
  const listed = listPlaybooks(STEP_KINDS, { own, shipped: 'playbooks' })
  expect(playbooksText(plain(200), listed, isJudgedAlways)).toEqual([
    'unload   take the stateful rules out and do without connection tracking',
    '         comes with ctfleet; judged for every host',
    'notrack  leave the busiest services out of connection tracking',
    '         comes with ctfleet; judged for every host',
    'tune     My own',
    `         ${own}/tune.yaml; judged for every host`,
    'broken   has 2 mistakes, shown by ctfleet playbook check',
    `         ${own}/broken.yaml; only with --strategy broken`,
    'mine     My own',
    `         ${own}/mine.yaml; only with --strategy mine`,
  ])
})

test('the list is data, too', () => {
  const { terminal, printed } = desk()
  expect(playbookListCommand({ format: 'json' }, terminal)).toBe(0)
  const { playbooks } = JSON.parse(printed.join(''))
  expect(playbooks.map(({ name, always }: { name: string; always: boolean }) => [name, always])).toEqual([
    ['unload', true],
    ['notrack', true],
    ['tune', true],
  ])
})

test('one is shown in words, with what a host is told that it does not fit, and then as it is written', () => {
  const { terminal, printed } = desk()
  expect(playbookShowCommand('docs/examples/site-baseline.yaml', { source: false }, terminal)).toBe(0)
  const text = printed.join('\n').replace(/\s+/g, ' ')
  expect(text).toContain(
    'Requires - facts.system.container == null (else: a container; its settings belong to the node that it runs on) Works out for each host - large, backlog, backlog_because, time_wait Changes - connections that wait to be accepted: sysctl key=net.core.somaxconn value=vars.backlog',
  )
  expect(text).toContain('The file: docs/examples/site-baseline.yaml # yaml-language-server:')
})

test('its source alone is the file', () => {
  const { terminal, printed } = desk()
  playbookShowCommand('tune', { source: true }, terminal)
  expect(`${printed.join('\n')}\n`).toBe(readFileSync('playbooks/tune.yaml', 'utf8'))
})

test('what a playbook holds obeys no terminal', () => {
  const file = write(
    'hostile.yaml',
    `${GOOD.replace('My own', '"\\e]0;owned\\a"')}# \u202e\u001b[2J\n`.replace('\u001b', ''),
  )
  const { terminal, printed } = desk()
  playbookShowCommand(file, { source: false }, terminal)
  playbookShowCommand(file, { source: true }, terminal)
  expect(printed.join('\n')).not.toMatch(/[\u001b\u0007\u202e]/)
})

test('all mistakes of all files are told, with their places, and those that are fine are named first', () => {
  const { terminal, printed } = desk()
  const good = write('good.yaml', GOOD)
  const bad = write(
    'bad.yaml',
    'name: bad\ntitle: Bad\nrequires: [{when: facts.memory.totel > 1, otherwise: no}]\nsteps: [{sysctl: {key: net.a, value: x}}]\n',
  )
  const check = () => playbookCheckCommand([good, bad, join(folder, 'none.yaml')], terminal)
  expect(check).toThrow(`${bad}:3:32 requires[0].when: there is no totel in facts.memory`)
  expect(check).toThrow(`${bad}:4:38 steps[0].sysctl.value: expected a whole number, found "x"`)
  expect(check).toThrow(`${join(folder, 'none.yaml')}: no such file`)
  expect(printed[0]).toBe(`${good}: fine (mine, 1 step)`)
})

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
