import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printComplaint } from '../../src/input/complaint.ts'
import { z } from '../../src/input/schema.ts'
import { parseYamlDocument } from '../../src/input/yaml-document.ts'

const schema = z.strictObject({
  name: z.string(),
  count: z.int().min(1).optional(),
  mode: z.enum(['slow', 'fast']).optional(),
  steps: z.array(z.union([z.strictObject({ file: z.string() }), z.strictObject({ sysctl: z.number() })])).optional(),
})

describe('a mistake is told with its place and the next move', () => {
  const cases: readonly [what: string, text: string, told: readonly string[]][] = [
    ['a wrong type', 'name: a\ncount: ssh', ['f.yaml:2:8 count: expected a whole number, found "ssh"']],
    ['a number too small', 'name: a\ncount: 0', ['f.yaml:2:8 count: expected at least 1, found 0']],
    ['a missing key', 'count: 3', ['f.yaml:1:1 name: is missing: expected text']],
    ['an unknown key', 'name: a\nconut: 3', ['f.yaml:2:1 conut: unknown key "conut"\n  did you mean "count"?']],
    [
      'no choice',
      'name: a\nmode: fats',
      ['f.yaml:2:7 mode: expected one of "slow", "fast", found "fats"\n  did you mean "fast"?'],
    ],
    ['deep in a union', 'name: a\nsteps:\n  - file: 3', ['f.yaml:3:11 steps[0].file: expected text, found 3']],
    ['a key twice', 'name: a\nname: b', ['f.yaml:2:1 name: "name" is here twice, first in line 1\n  keep one of them']],
    ['a tab', 'steps:\n\t- a', ['f.yaml:2:1: a tab indents this line\n  indent with spaces']],
    ['an alias to nothing', 'name: *x', ['f.yaml:1:7 name: no anchor &x above this *x']],
    ...['!!js/function', '!vault', '!!binary', '!!set'].map((tag): [string, string, readonly string[]] => [
      `the tag ${tag}`,
      `count: ${tag} 3\nname: a`,
      [
        `f.yaml:1:${9 + tag.length} count: has the tag "${tag}", which means nothing here\n  write the plain value, without a tag`,
      ],
    ]),
    [
      'a tag of a key',
      '!x name: a',
      ['f.yaml:1:4 name: has the tag "!x", which means nothing here\n  write the plain value, without a tag'],
    ],
    ['an alias to itself', 'name: a\nsteps: &x [*x]', ['f.yaml:2:12 steps[0]: *x stands inside what &x names']],
    [
      'two documents',
      'name: a\n---\nname: b',
      ['f.yaml:2:1: a second document begins here\n  keep one: remove the `---` and what follows'],
    ],
    ['an empty text', '', ['f.yaml:1:1: expected a map, found nothing']],
    [
      'a hostile value',
      'name: a\ncount: "\\e[2J\\u202e"',
      ['f.yaml:2:8 count: expected a whole number, found "\\u001b[2J\\u{202e}"'],
    ],
  ]
  test.each(cases)('%s', (_what, text, told) => {
    expect(complaintsOf(text).map(printComplaint)).toEqual(expect.arrayContaining([...told]))
  })
  test.each(['name: *x', 'name: a\ncount: !!binary aGk=', 'name: !x [a]', '!x name: 5'])('%s: once', (text) => {
    const places = complaintsOf(text).map(({ line, column, path }) => `${line}:${column} ${path}`)
    expect(places).toEqual([...new Set(places)])
  })
})

test('the tags of YAML’s core say what a value is', () => {
  const text =
    'name: !!str 5\ncount: !!int "3"\nmode: !<tag:yaml.org,2002:str> slow\nsteps: !!seq [!!map {sysctl: !!float 1}]'
  const document = parseYamlDocument(text, 'f.yaml', schema)
  expect(document.ok && document.value).toEqual({ name: '5', count: 3, mode: 'slow', steps: [{ sysctl: 1 }] })
})

test('all mistakes come at once, in reading order', () => {
  const text = 'conut: 1\nname: 5\nname: [a]\nmode: 7'
  expect(complaintsOf(text).map(({ line }) => line)).toEqual([1, 3, 3, 4])
})

test('a few lines of aliases that stand for billions of nodes are refused at once', () => {
  const bomb = Array.from(
    { length: 30 },
    (_, at) =>
      `a${at + 1}: &a${at + 1} [${Array(9)
        .fill(at === 0 ? 'x' : `*a${at}`)
        .join(', ')}]`,
  )
  expect(complaintsOf(bomb.join('\n'))[0]?.message).toBe('its aliases unfold to far more than is written')
})

test.each(['[', '{a: ', '- ', '? '])('a hundred thousand times %j is a complaint, not a crash', (opening) => {
  expect(complaintsOf(opening.repeat(100_000)).length).toBeGreaterThan(0)
})

test.each([
  ['[', ']'],
  ['{a: ', '}'],
])('nor is %j, closed as often by %j', (opening, closing) => {
  const deep = `name: ${opening.repeat(100_000)}${closing.repeat(100_000)}`
  expect(complaintsOf(deep)).toMatchObject([{ line: 1, message: 'nested more than 100 levels deep' }])
})

test('the place of a character within a text is found in each style', () => {
  const text = 'name: abc\nsteps:\n  - file: "abc"\n  - file: |\n      ab\n      cd\n'
  const document = parseYamlDocument(text, 'f.yaml', schema)
  if (!document.ok) throw new Error('no complaint was expected')
  expect(document.at(['name'], 2)).toEqual({ line: 1, column: 9 })
  expect(document.at(['steps', 0, 'file'], 2)).toEqual({ line: 3, column: 14 })
  expect(document.at(['steps', 1, 'file'], 4)).toEqual({ line: 6, column: 8 })
  expect(document.at(['steps', 1, 'sysctl'])).toEqual({ line: 4, column: 5 })
})

test('reading is total, and every complaint has a place in the text', () => {
  const fragment = fc.constantFrom(
    'name',
    ': ',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&a',
    '*a',
    '!t ',
    '"',
    "'",
    '|\n',
    '\t',
    '#',
    '3',
    '? ',
    '---\n',
    '<<',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (each) => {
      const lines = each.split(/\r\n|\r|\n/).length
      for (const { line, column } of complaintsOf(each)) {
        expect(line).toBeGreaterThanOrEqual(1)
        expect(line).toBeLessThanOrEqual(lines + 1)
        expect(column).toBeGreaterThanOrEqual(1)
      }
    }),
    { numRuns: 1500 },
  )
})

function complaintsOf(text: string) {
  const document = parseYamlDocument(text, 'f.yaml', schema)
  return document.ok ? [] : document.complaints
}
