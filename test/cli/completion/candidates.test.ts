import { expect, test } from 'vitest'
import { Command, Option } from '../../../src/cli/commander.ts'
import { candidatesAt, type Known } from '../../../src/cli/completion/candidates.ts'
import { placeOf } from '../../../src/cli/completion/place.ts'

const known: Known = {
  hosts: async () => ['all', 'web', 'web-1', 'db-1', 'odd $(reboot)', 'bell\u0007'],
  playbooks: () => ['unload', 'tune'],
  ids: async (of) =>
    of === 'runs'
      ? [
          { id: '20261126-0942-7f3a', means: 'apply of 2026-11-26T09:42:00.000Z' },
          { id: '20261125-1100-0b1c', means: 'rollback of 2026-11-25T11:00:00.000Z' },
        ]
      : [{ id: '20261126-0600-a0a0', means: 'audit of 2026-11-26T06:00:00.000Z' }],
}

function program(): Command {
  const plan = new Command('plan')
    .summary('show what would be changed')
    .argument('[inventory]')
    .option('-o, --output <file>', 'save it')
    .option('-l, --limit <pattern>', 'only these')
    .option('-s, --strategy <name>', 'which')
    .option('-k, --ask-pass', 'ask\nonce')
    .addOption(new Option('--format <format>', 'text, json or html (default: text)'))
    .addOption(new Option('--secret').hideHelp())
  const playbook = new Command('playbook')
  playbook.command('show').argument('<name>')
  return new Command('ctfleet')
    .addCommand(plan)
    .addCommand(new Command('rollback').argument('[run]'))
    .addCommand(new Command('show').argument('<plan|run|audit>').option('--audit'))
    .addCommand(playbook)
    .addCommand(new Command('completion').argument('<shell>', 'bash, zsh or fish'))
}

const cases: readonly [typed: readonly string[], words: readonly string[], files: boolean][] = [
  [['p'], ['plan', 'playbook'], false],
  [[''], ['plan', 'rollback', 'show', 'playbook', 'completion', 'help'], false],
  [['plan', '--o'], ['--output'], false],
  [['plan', '-'], ['--output', '--limit', '--strategy', '--ask-pass', '--format', '--help'], false],
  [['plan', ''], [], true],
  [['plan', '-o', ''], [], true],
  [['plan', '--limit', 'w'], ['web', 'web-1'], false],
  [['plan', '--limit', 'web,d'], ['web,db-1'], false],
  [['plan', '--limit', 'web:!d'], ['web:!db-1'], false],
  [['plan', '--limit=d'], ['--limit=db-1'], false],
  [['plan', '--format', ''], ['text', 'json', 'html'], false],
  [['plan', '--format=h'], ['--format=html'], false],
  [['plan', '-k', '-s', 't'], ['tune'], true],
  [['plan', 'hosts.ini', ''], [], false],
  [['rollback', ''], ['last', '20261126-0942-7f3a', '20261125-1100-0b1c'], false],
  [['rollback', '20261125'], ['20261125-1100-0b1c'], false],
  [['show', '2026112'], ['20261126-0942-7f3a', '20261125-1100-0b1c', '20261126-0600-a0a0'], true],
  [['show', '--audit', ''], ['last', '20261126-0600-a0a0'], false],
  [['playbook', 's'], ['show'], false],
  [['playbook', 'show', ''], ['unload', 'tune'], true],
  [['completion', 'f'], ['fish'], false],
  [['no-command', ''], [], false],
]

test.each(cases)('%j', async (typed, words, files) => {
  const offered = await candidatesAt(placeOf(program(), typed), known)
  expect(offered.candidates.map(({ word }) => word)).toEqual(words)
  expect(offered.files).toBe(files)
})

test('names that a shell or a terminal would obey are not offered, and what words mean is one line', async () => {
  const hosts = await candidatesAt(placeOf(program(), ['plan', '--limit', '']), known)
  expect(hosts.candidates.map(({ word }) => word)).toEqual(['all', 'web', 'web-1', 'db-1'])
  const options = await candidatesAt(placeOf(program(), ['plan', '--ask']), known)
  expect(options.candidates).toEqual([{ word: '--ask-pass', means: 'ask once' }])
})

test('the inventory that is typed is known, wherever it stands', () => {
  expect(placeOf(program(), ['plan', 'hosts.ini', '--limit', '']).words).toEqual(['hosts.ini'])
  expect(placeOf(program(), ['plan', '--output=x', '--', '-l', '']).given).toEqual(new Map([['output', 'x']]))
})
