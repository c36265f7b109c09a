import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { playbookCheckCommand } from '../../src/cli/commands/playbook.ts'
import { InputError, printComplaint } from '../../src/input/complaint.ts'
import { listPlaybooks } from '../../src/playbook/listing.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { playbooksJson } from '../../src/report/json/playbooks.ts'
import { playbooksText } from '../../src/report/text/playbooks.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { plain } from '../report/paper.ts'
import { desk } from '../support/desk.ts'

/** Files that are no playbook, or not quite, as `playbook check` tells of them: where, what, and what to do. */

const folder = mkdtempSync(join(tmpdir(), 'ctfleet-wrong-playbooks-'))
afterAll(() => rmSync(folder, { recursive: true }))

const HEAD = 'name: a\ntitle: A\n'
const STEP = 'steps:\n  - sysctl: { key: net.core.somaxconn, value: 1024 }\n'
const when = (condition: string) => `${HEAD}requires:\n  - when: ${condition}\n    otherwise: no way\n${STEP}`
const step = (text: string) => `${HEAD}steps:\n  - ${text}\n`
const BEGIN = 'begin with one that is fine: ctfleet playbook show tune --source'
const bomb = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name, at, all) => {
  const item = at === 0 ? 'x' : `*${all[at - 1]}`
  return `${name}: &${name} [${Array.from({ length: 9 }, () => item).join(',')}]\n`
})

const wrong: readonly [what: string, text: string | Buffer, ...told: string[]][] = [
  ['nothing', '', ':1:1: expected a map, found nothing', BEGIN],
  ['comments alone', '# soon\n', ':1:1: expected a map, found nothing', BEGIN],
  ['a sentence', 'just words\n', ':1:1: expected a map, found "just words"', BEGIN],
  ['a playbook of Ansible', '- hosts: all\n  tasks: []\n', ':1:1: expected a map, found a list', BEGIN],
  ['no title', `name: a\n${STEP}`, ':1:1 title: is missing: expected text', BEGIN],
  [
    'a name of two words',
    `name: My Own\ntitle: A\n${STEP}`,
    ':1:7 name: expected a name of small letters, digits and dashes',
  ],
  ['a name that is a number', `name: 12\ntitle: A\n${STEP}`, ':1:7 name: expected text, found 12'],
  [
    'a misspelt key',
    `${HEAD}requirez: []\n${STEP}`,
    ':3:1 requirez: unknown key "requirez"',
    'did you mean "requires"?',
  ],
  [
    'a misspelt key of a step',
    step('sysctl: { kye: net.core.somaxconn, value: 1 }'),
    ':4:20 steps[0].sysctl.kye: unknown key "kye"',
    'did you mean "key"?',
  ],
  [
    'a value that is left out',
    step('sysctl: { key: net.core.somaxconn }'),
    ':4:13 steps[0].sysctl.value: is missing: expected a whole number',
    'sysctl wants key, value: docs/playbooks.md, Steps',
  ],
  [
    'a text for a number',
    step('sysctl: { key: net.core.somaxconn, value: lots }'),
    ':4:47 steps[0].sysctl.value: expected a whole number, found "lots"',
  ],
  [
    'a template',
    step('sysctl: { key: net.core.somaxconn, value: "{{ max }}" }'),
    ':4:47 steps[0].sysctl.value: expected a whole number, found "{{ max }}"',
  ],
  [
    'a path in the place of a key',
    step('sysctl: { key: ../../etc/passwd, value: 1 }'),
    ':4:20 steps[0].sysctl.key: expected a sysctl key such as net.netfilter.nf_conntrack_max',
  ],
  [
    'a path that climbs',
    step('file: { path: /etc/../x, content: y }'),
    ':4:19 steps[0].file.path: expected an absolute path',
  ],
  [
    'an unknown kind of step',
    step('systcl: {}'),
    ':4:5 steps[0].systcl: unknown key "systcl"',
    'did you mean "sysctl"?',
  ],
  [
    "a module of Ansible's",
    step('ansible.posix.sysctl: {}'),
    ':4:5 steps[0].ansible.posix.sysctl: unknown key',
    'known here: name, when, sysctl, hash-size',
  ],
  [
    'two kinds in one step',
    step('sysctl: { key: net.core.somaxconn, value: 1 }\n    file: { path: /etc/a, content: b }'),
    ':5:11 steps[0].file: a step makes one change, and this one also has sysctl',
    'write a step for each',
  ],
  [
    'an unknown fact',
    when('facts.conntrack.maxx > 3'),
    ':4:27 requires[0].when: there is no maxx in facts.conntrack',
    'did you mean "max"?',
  ],
  [
    'a number for a condition',
    when('facts.conntrack.max'),
    ':4:11 requires[0].when: must be true or false, but gives a number',
    'compare it with something, as in facts.conntrack.max > 65536',
  ],
  ['half an expression', when('facts.conntrack.max >'), ':4:32 requires[0].when: the expression ends too early'],
  [
    'an unknown function',
    when('siez(facts.listeners.sockets) > 1'),
    ':4:11 requires[0].when: ',
    'did you mean "size"?',
  ],
  [
    'has()',
    when('has(facts.conntrack.max)'),
    ':4:11 requires[0].when: has() is not offered: an unknown fact must stay unknown',
  ],
  [
    'a text and a number added',
    `${HEAD}vars:\n  a: one\n  b: { cel: vars.a + 1 }\n${STEP}`,
    ':5:13 vars.b.cel: no such overload: string + double',
    'both sides have to be of one kind: string(x) makes a text of a number',
  ],
  [
    'variables in a circle',
    `${HEAD}vars:\n  a: { cel: vars.b }\n  b: { cel: vars.a }\n${STEP}`,
    ':4:18 vars.a.cel: there is no b in vars',
    'write "b" above the first that uses it',
  ],
  ['a key twice', `${HEAD}${STEP}title: B\n`, ':5:1 title: "title" is here twice, first in line 2', 'keep one of them'],
  ['a tab', `${HEAD}steps:\n\t- sysctl: {}\n`, ':4:1: a tab indents this line', 'indent with spaces'],
  [
    'a bracket that stays open',
    `${HEAD}steps:\n  - sysctl: { key: a,\n`,
    ': a { or [ above is not closed',
    'close it: } or ]',
  ],
  [
    'a function of JavaScript',
    `name: a\ntitle: !!js/function 'function () {}'\n${STEP}`,
    ':2:22 title: has the tag "!!js/function", which means nothing here',
    'write the plain value',
  ],
  [
    'a vault',
    step('sysctl: { key: net.core.somaxconn, value: !vault 1024 }'),
    ':4:54 steps[0].sysctl.value: has the tag "!vault"',
  ],
  ['two documents', `${HEAD}${STEP}---\n${HEAD}${STEP}`, ':5:1: a second document begins here', 'keep one'],
  [
    'aliases that unfold without end',
    `${bomb.join('')}${HEAD}${STEP}`,
    ':1:1: its aliases unfold to far more than is written',
    'write out what they stand for',
  ],
  ['an alias within itself', `${HEAD}vars: &v\n  a: *v\n${STEP}`, ':4:6 vars.a: *v stands inside what &v names'],
  ['lists in lists without end', `${HEAD}vars:\n  a: ${'['.repeat(20_000)}\n`, ': nested more than 100 levels deep'],
  [
    'more steps than any remedy has',
    `${HEAD}${STEP}${STEP.split('\n')[1]}\n`.concat(`${STEP.split('\n')[1]}\n`.repeat(2000)),
    ':4:3 steps: expected at most 100 items',
  ],
  [
    'more variables than any remedy has',
    `${HEAD}${STEP}vars:\n${Array.from({ length: 3000 }, (_, at) => `  v${at}: { cel: "1 + 1" }\n`).join('')}`,
    ':6:3 vars: expected at most 100 variables',
  ],
  [
    'a condition of a thousand parts',
    when(Array.from({ length: 5000 }, () => 'facts.conntrack.max > 1').join(' && ')),
    'exceeded maxAstNodes',
    'make it shorter: give parts of it a name in vars',
  ],
  [
    'an unknown gate',
    `${HEAD}${STEP}verify: [reads-bakc]\n`,
    ':5:10 verify[0]: expected one of',
    'did you mean "reads-back"?',
  ],
  [
    'bytes',
    Buffer.from(Array.from({ length: 4096 }, (_, at) => at % 256)),
    ':2:118: is not UTF-8: byte 0x80 here',
    'name another file if this one is not text',
  ],
  ['a NUL', `name: a\ntitle: A\0B\n${STEP}`, ':2:9: holds a NUL byte, so it is no text', 'is this the file you meant?'],
  ['UTF-16', Buffer.from(`\ufeff${HEAD}${STEP}`, 'utf16le'), ':1:1: is UTF-16, not UTF-8', 'iconv'],
  [
    'more than 16 MiB',
    `${HEAD}${STEP}${'# x\n'.repeat(5_000_000)}`,
    ': is larger than 16 MiB',
    'is this the file you meant?',
  ],
]

test.each(wrong)('%s', (_what, text, ...told) => {
  const file = join(folder, 'mine.yaml')
  writeFileSync(file, text)
  const { said, printed } = check(file)
  expect(printed).toEqual([])
  for (const part of told) expect(said).toContain(part)
  expect(said.startsWith(file)).toBe(true)
  // What is told fits on a screen, whatever stands in the file.
  expect(said.length).toBeLessThan(2000)
  expect(Math.max(...said.split('\n').map((line) => line.length))).toBeLessThan(file.length + 200)
})

test('a byte order mark and carriage returns are no mistake', () => {
  const file = join(folder, 'a.yaml')
  writeFileSync(file, `\ufeff${HEAD}${STEP}`.replaceAll('\n', '\r\n'))
  expect(check(file)).toEqual({ said: '', printed: [`${file}: fine (a, 1 step)`] })
})

test('how many mistakes there are is told also where nobody would read them all', () => {
  const many = Array.from({ length: 1500 }, (_, at) => `key-${at}: 1\n`).join('')
  const files = ['much.yaml', 'many.yaml'].map((name) => join(folder, name))
  for (const file of files) writeFileSync(file, `${HEAD}${many}${STEP}`)
  const told = (work: () => unknown): number => {
    try {
      work()
    } catch (error) {
      if (error instanceof InputError) return error.complaints.length
    }
    return 0
  }
  expect(told(() => playbookCheckCommand(files, desk().terminal))).toBe(3000)
  expect(told(() => loadPlaybooks(files[0] ?? '', STEP_KINDS))).toBe(1500)
  const [listed] = listPlaybooks(STEP_KINDS, { own: folder, shipped: folder }).filter(({ name }) => name === 'many')
  if (listed === undefined) throw new Error('not listed')
  expect(playbooksJson([listed], () => false)).toMatchObject({
    playbooks: [{ complaints: { length: 1000 }, more: 500 }],
  })
  expect(playbooksText(plain(200), [listed], () => false)[0]).toContain('has 1\u202f500 mistakes')
})

function check(file: string): { readonly said: string; readonly printed: readonly string[] } {
  const { terminal, printed } = desk()
  try {
    playbookCheckCommand([file], terminal)
    return { said: '', printed }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { said: error.complaints.map(printComplaint).join('\n'), printed }
  }
}
