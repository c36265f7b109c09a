import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { InputError, printComplaint } from '../../src/input/complaint.ts'
import { parsePlaybook } from '../../src/playbook/parse.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { objections } from '../support/json-schema.ts'

const PAGE = readFileSync('docs/playbooks.md', 'utf8')

test('the first playbook of the page is one, for ctfleet and for an editor', () => {
  const [, text = ''] = /```yaml\n(.*?)```/s.exec(PAGE) ?? []
  const playbook = parsePlaybook(text, 'playbooks/quick-udp.yaml', STEP_KINDS)
  expect([playbook.name, playbook.steps.length, playbook.verify.length]).toEqual(['quick-udp', 2, 5])
  expect(objections(JSON.parse(readFileSync('schemas/playbook.json', 'utf8')), parse(text))).toEqual([])
})

test('mistakes are told as the page shows them', () => {
  const text = `name: mine
title: Mine
requires:
  - when: facts.conntrack.cuont > 3
    otherwise: no
steps:
  - sysctl: {key: net.core.x, value: "many"}
`
  const [, shown = ''] = /```\n(mine\.yaml:.*?)```/s.exec(PAGE) ?? []
  expect(`${told(text).join('\n')}\n`).toBe(shown)
})

/** In the order of the page. */
const MISTAKES: readonly (readonly [says: string, lines: string])[] = [
  ['unknown key …', 'kye: 1'],
  ['there is no … in vars', 'vars:\n  b: { cel: vars.a }\n  a: 1'],
  ['no such overload: …', 'notes:\n  - say: { cel: \'"a" + 1.0\' }'],
  ['must be true or false, but gives a …', 'notes:\n  - when: facts.conntrack.max\n    say: a'],
  ['… is here twice, first in line …', 'title: Again'],
  ['has the tag …, which means nothing here', 'about: !vault a'],
  ['a tab indents this line', 'vars:\n\ta: 1'],
  ['a { or [ above is not closed', 'vars: { a: 1'],
  ['expected at most 100 items', `notes:${'\n  - say: a'.repeat(101)}`],
]

test('each message of the table is one that such a mistake gives, and no other is there', () => {
  const [, table = ''] = /\| it says \| and means \|\n(.*?)\n\n/s.exec(PAGE) ?? []
  const quoted = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, first = '']) =>
    [...first.matchAll(/`([^`]+)`/g)].map(([, message]) => message),
  )
  expect(quoted).toEqual(MISTAKES.map(([says]) => says))
})

test.each(MISTAKES)('%s', (says, lines) => {
  const text = `name: mine\ntitle: Mine\nsteps:\n  - sysctl: { key: net.core.x, value: 1 }\n${lines}\n`
  const pattern = says.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  expect(told(text).join('\n')).toMatch(new RegExp(pattern.join('.+')))
})

test('every kind of step is in the table, and no other', () => {
  const [, table = ''] = /### Steps\n(.*?)\n\n[^|\n]/s.exec(PAGE) ?? []
  const named = [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, kind]) => kind)
  expect(named).toEqual(STEP_KINDS.map(({ kind }) => kind))
})

function told(text: string): readonly string[] {
  try {
    parsePlaybook(text, 'mine.yaml', STEP_KINDS)
    return []
  } catch (error) {
    if (error instanceof InputError) return error.complaints.map(printComplaint)
    throw error
  }
}
