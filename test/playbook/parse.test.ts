import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/input/complaint.ts'
import { z } from '../../src/input/schema.ts'
import { parsePlaybook } from '../../src/playbook/parse.ts'

const KINDS = [
  {
    kind: 'sysctl',
    summary: 'sets a setting',
    want: z.strictObject({ key: z.string().regex(/^net/), value: z.int().min(0) }),
  },
  {
    kind: 'file',
    summary: 'writes a file',
    want: z.strictObject({ path: z.string(), content: z.string().optional() }),
  },
]

const STEP = 'steps:\n  - file: {path: /etc/a}\n'
const HEAD = `name: a\ntitle: A\n${STEP}`

test('a playbook comes out with its parts in order, and sensible defaults', () => {
  const playbook = parsePlaybook(HEAD, 'a.yaml', KINDS)
  expect(playbook).toMatchObject({
    name: 'a',
    title: 'A',
    about: '',
    file: 'a.yaml',
    requires: [],
    vars: [],
    verify: [
      { gate: 'reads-back' },
      { gate: 'login' },
      { gate: 'ports', ports: null },
      { gate: 'drops', withinSeconds: 10, mostPerSecond: null },
      { gate: 'invalid', withinSeconds: 10, mostPerSecond: null },
    ],
  })
  expect(playbook.steps.map(({ kind, name, when }) => [kind.kind, name, when])).toEqual([['file', null, null]])
})

test('gates are names, or names with what they ask', () => {
  const verify = (text: string) => parsePlaybook(`${HEAD}verify:${text}`, 'a.yaml', KINDS).verify
  expect(verify(' [reads-back, ports]')).toEqual([{ gate: 'reads-back' }, { gate: 'ports', ports: null }])
  const rates = '\n  - drops: { within: 2m, most_per_second: 3 }\n  - invalid: { within: 5 }\n  - ports: [443, 22]'
  expect(verify(rates)).toEqual([
    { gate: 'drops', withinSeconds: 120, mostPerSecond: 3 },
    { gate: 'invalid', withinSeconds: 5, mostPerSecond: null },
    { gate: 'ports', ports: [443, 22] },
  ])
  expect(verify(' []')).toEqual([])
})

describe('mistakes are told with their place', () => {
  const cases: readonly [what: string, text: string, told: string][] = [
    [
      'an unknown fact',
      `${HEAD}requires:\n  - when: facts.conntrack.cuont > 3\n    otherwise: x`,
      'a.yaml:6:27 requires[0].when: there is no cuont in facts.conntrack\n  facts.conntrack.cuont > 3\n                  ^\n  did you mean "count"?',
    ],
    [
      'a condition that is a number',
      `${HEAD}requires:\n  - when: facts.conntrack.count\n    otherwise: x`,
      'a.yaml:6:11 requires[0].when: must be true or false, but gives a number\n  facts.conntrack.count\n  ^\n  compare it with something, as in facts.conntrack.max > 65536',
    ],
    [
      'a variable before it is there',
      `${HEAD}vars:\n  b: {cel: vars.c}\n  c: 1`,
      'a.yaml:6:17 vars.b.cel: there is no c in vars\n  vars.c\n       ^\n  vars are worked out from top to bottom: write "c" above the first that uses it',
    ],
    [
      'a variable of another type',
      `${HEAD}vars:\n  b: one\n  c: {cel: vars.b + 1}`,
      'a.yaml:7:12 vars.c.cel: no such overload: string + double\n  vars.b + 1\n  ^\n  both sides have to be of one kind: string(x) makes a text of a number',
    ],
    [
      'an expression in a block',
      `${HEAD}vars:\n  b:\n    cel: |\n      1 +\n      facts.memory.totel\n`,
      'a.yaml:9:20 vars.b.cel: there is no totel in facts.memory\n  facts.memory.totel\n               ^\n  did you mean "total"?',
    ],
    [
      'an unknown kind',
      'name: a\ntitle: A\nsteps:\n  - sysctrl: {}',
      'a.yaml:4:5 steps[0].sysctrl: unknown key "sysctrl"\n  did you mean "sysctl"?',
    ],
    [
      'no kind',
      'name: a\ntitle: A\nsteps:\n  - name: x',
      'a.yaml:4:5 steps[0]: is no step: it names no kind of change\n  one of sysctl, file',
    ],
    [
      'two kinds',
      'name: a\ntitle: A\nsteps:\n  - file: {path: /a}\n    sysctl: {key: net, value: 1}',
      'a.yaml:4:11 steps[0].file: a step makes one change, and this one also has sysctl\n  write a step for each',
    ],
    [
      'a wrong plain value',
      'name: a\ntitle: A\nsteps:\n  - sysctl: {key: net, value: 1.5}',
      'a.yaml:4:31 steps[0].sysctl.value: expected a whole number, found 1.5',
    ],
    [
      'a wrong value beside an expression',
      'name: a\ntitle: A\nsteps:\n  - sysctl: {key: foo, value: {cel: 1 + 1}, kye: 3}',
      'a.yaml:4:19 steps[0].sysctl.key: invalid string: must match pattern /^net/\na.yaml:4:50 steps[0].sysctl.kye: unknown key "kye"\n  did you mean "key"?',
    ],
    [
      'an unknown gate',
      `${HEAD}verify: [reads-bakc]`,
      'a.yaml:5:10 verify[0]: expected one of "reads-back", "login", "ports", "drops", "invalid", found "reads-bakc"\n  did you mean "reads-back"?',
    ],
    [
      'an unknown gate that asks something',
      `${HEAD}verify:\n  - reads-back\n  - dropz: {within: 30s}`,
      'a.yaml:7:12 verify[1].dropz: no gate is called "dropz"\n  did you mean "drops"?',
    ],
    [
      'a gate that asks what it does not know',
      `${HEAD}verify:\n  - drops: {witin: 30s}`,
      'a.yaml:6:20 verify[0].drops.witin: unknown key "witin"\n  did you mean "within"?',
    ],
    [
      'a gate that asks for a time that is none',
      `${HEAD}verify:\n  - drops: {within: soon}`,
      'a.yaml:6:21 verify[0].drops.within: expected a time up to 30m, such as 30s or 2m',
    ],
    [
      'a gate with a port that is none',
      `${HEAD}verify:\n  - ports: [443, 70000]`,
      'a.yaml:6:18 verify[0].ports[1]: expected at most 65535, found 70000',
    ],
    [
      'a gate that takes nothing',
      `${HEAD}verify:\n  - login: {within: 3s}`,
      'a.yaml:6:12 verify[0].login: login takes nothing to ask\n  write the name alone: - login',
    ],
    [
      'two gates in one',
      `${HEAD}verify:\n  - drops: {}\n    invalid: {}`,
      'a.yaml:6:5 verify[0]: is no gate: it names none, or several\n  write an item for each: - drops: { within: 30s }',
    ],
    ['a gate twice', `${HEAD}verify: [drops, drops: {}]`, 'a.yaml:5:17 verify[1]: names drops a second time'],
    ['no steps', 'name: a\ntitle: A\nsteps: []', 'a.yaml:3:8 steps: expected at least 1 item, found an empty list'],
    [
      'an Ansible playbook',
      '- hosts: all\n  tasks: []',
      'a.yaml:1:1: expected a map, found a list\n  begin with one that is fine: ctfleet playbook show tune --source',
    ],
  ]
  test.each(cases)('%s', (_what, text, told) => {
    expect(complaintOf(text)).toBe(told)
  })
})

test('parsing is total: a playbook or complaints with places', () => {
  const part = fc.constantFrom(
    'name: a\n',
    'title: A\n',
    STEP,
    'vars:\n',
    '  a: ',
    '{cel: ',
    'vars.a',
    'facts.memory.total',
    ' + ',
    '1',
    '}\n',
    'requires:\n',
    '  - when: ',
    'verify:\n',
    '  - drops: ',
    '  - ports',
    '    otherwise: x\n',
    '"',
    '\n',
    'when: ',
    '[',
    ']',
    '"\\n"',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 25 }), (parts) => {
      try {
        parsePlaybook(parts.join(''), 'a.yaml', KINDS)
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        expect(error.complaints.every(({ line, column }) => line !== null && column !== null)).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

function complaintOf(text: string): string {
  try {
    parsePlaybook(text, 'a.yaml', KINDS)
    return ''
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}
