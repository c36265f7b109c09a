import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { breachesOf, type House } from './structure/breaches.ts'
import house from './structure/house.json' with { type: 'json' }

test('every file of src keeps to the ranks, and every package to its home', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: `src/${name}`, text: readFileSync(`src/${name}`, 'utf8') }))

  expect(breachesOf(files, house).join('\n')).toBe('')
})

describe('a breach is told in a sentence', () => {
  const cases: readonly [rule: string, files: Record<string, string>, sentence: string][] = [
    [
      'import from below',
      { 'src/facts/kernel.ts': "import { plan } from '../plan/assemble.ts'" },
      'src/facts/kernel.ts imports src/plan/assemble.ts, but plan stands below facts',
    ],
    [
      'import of a type from below',
      { 'src/shell/script.ts': "import type { Fact } from '../facts/fact.ts'" },
      'src/shell/script.ts imports src/facts/fact.ts, but facts/fact stands below shell',
    ],
    [
      'import that runs later',
      { 'src/run/fleet.ts': "const load = () => import('../cli/main.ts')" },
      'src/run/fleet.ts imports src/cli/main.ts, but cli stands below run',
    ],
    [
      're-export from below',
      { 'src/model/host.ts': "export { run } from '../run/fleet.ts'" },
      'src/model/host.ts imports src/run/fleet.ts, but run stands below model',
    ],
    [
      'type written in place',
      { 'src/model/host.ts': "type Run = import('../run/fleet.ts').Run" },
      'src/model/host.ts imports src/run/fleet.ts, but run stands below model',
    ],
    [
      'two rooms of one rank',
      { 'src/steps/file.ts': "import { diagnose } from '../diagnosis/diagnose.ts'" },
      'src/steps/file.ts imports src/diagnosis/diagnose.ts, but diagnosis and steps stand side by side',
    ],
    [
      'siblings that know each other',
      { 'src/steps/file.ts': "import { sysctl } from './sysctl.ts'" },
      'src/steps/file.ts imports src/steps/sysctl.ts, but files of steps do not know each other (only catalog and index may)',
    ],
    [
      'folder without a rank',
      { 'src/helpers/text.ts': '' },
      'src/helpers/text.ts is in no room of the house: give its folder a rank in test/structure/house.json',
    ],
    [
      'package away from home',
      { 'src/run/fleet.ts': "import { Client } from 'ssh2'" },
      'src/run/fleet.ts imports ssh2, whose home is in transport',
    ],
    [
      'package without a home',
      { 'src/run/fleet.ts': "import _ from 'lodash/fp'" },
      'src/run/fleet.ts imports lodash, which has no home: name one in test/structure/house.json',
    ],
    [
      'package with two homes',
      { 'src/cli/ask.ts': "import 'inquirer'", 'src/cli/main.ts': "import 'inquirer'" },
      'inquirer is imported by src/cli/ask.ts and src/cli/main.ts, but a package has one home file: wrap it there',
    ],
    [
      'package in the model',
      { 'src/model/host.ts': "import { z } from 'zod'" },
      'src/model/host.ts imports zod, but model imports nothing',
    ],
    [
      'pure room that reads a file',
      { 'src/facts/kernel.ts': "import { readFile } from 'node:fs/promises'" },
      'src/facts/kernel.ts imports node:fs/promises, but facts is pure',
    ],
    [
      'process ended below main',
      { 'src/cli/commands/plan.ts': 'process.exit(1)' },
      'src/cli/commands/plan.ts calls process.exit, which only src/cli/main.ts may: return a result or throw',
    ],
    [
      'console below cli',
      { 'src/run/fleet.ts': "console.log('hello')" },
      'src/run/fleet.ts uses console, but only cli has a terminal: return data and let cli print it',
    ],
  ]

  test.each(cases)('%s', (_rule, files, sentence) => {
    expect(breaches(files)).toEqual([sentence])
  })
})

test('what the rules allow is no breach', () => {
  const allowed = {
    'src/steps/catalog.ts': "import { file } from './file.ts'\nimport { sysctl } from './sysctl.ts'",
    'src/steps/sysctl.ts': "import type { StepKind } from './step-kind.ts'\nimport { write } from './sysctl/write.ts'",
    'src/transport/ssh.ts': "import { Client } from 'ssh2'\nimport { connect } from 'node:net'",
    'src/cli/main.ts': "import '../index.ts'\n// process.exit and console.log in a comment\nprocess.exit(0)",
    'src/run/fleet.ts': "const text = 'console.log(1)'",
  }
  expect(breaches(allowed)).toEqual([])
})

function breaches(files: Record<string, string>): readonly string[] {
  const rules: House = house
  return breachesOf(
    Object.entries(files).map(([path, text]) => ({ path, text })),
    rules,
  )
}
