import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bindReadings } from '../../src/expression/bind-readings.ts'
import { caret, compile, type Evaluation, evaluate } from '../../src/expression/expression.ts'
import { known, unknown } from '../../src/model/reading.ts'

const NAMES = {
  facts: {
    memory: { total: 'double' },
    conntrack: {
      count: 'double',
      max: 'double',
      entryBytes: 'double',
      form: 'string',
      timeouts: 'map<string, double>',
    },
    container: 'dyn',
    modules: 'list<dyn>',
    writable: 'bool',
  },
} as const

const VIEW = bindReadings({
  facts: {
    memory: { total: known(51539607552) },
    conntrack: {
      count: known(9),
      max: known(10),
      entryBytes: unknown('/proc/slabinfo: permission denied'),
      form: known('module'),
      timeouts: known({ established: 432000 }),
    },
    container: known(null),
    modules: known([
      { name: 'a', holders: ['b'] },
      { name: 'b', holders: [] },
    ]),
    writable: unknown('no such file'),
  },
})

describe('values', () => {
  const cases: readonly [text: string, value: unknown][] = [
    ['facts.conntrack.count / facts.conntrack.max > 0.8', true],
    ['facts.memory.total / 16384 / (64 / 32)', 1572864],
    ['facts.memory.total / 16384 / (64 / 32) == 1572864', true],
    ['1 / 2', 0.5],
    ['7 % 4', 3],
    ['max(1, size(facts.modules)) + min(3, 4)', 5],
    ['size(facts.modules) / 4', 0.5],
    ['size(facts.modules) == 2', true],
    ['floor(3.7) + ceil(0.2)', 4],
    ['-facts.conntrack.count', -9],
    ['facts.conntrack.count > 3 ? 1 : 2.5', 1],
    ['facts.container == null', true],
    ['facts.modules.filter(m, size(m.holders) == 0).map(m, m.name)', ['b']],
    ['facts.modules[0].name', 'a'],
    ['"abc".substring(1)', 'bc'],
    ['"net." + string(1572864) + "\\n"', 'net.1572864\n'],
    ['["a", "b"].join("\\n")', 'a\nb'],
    ['"established" in facts.conntrack.timeouts', true],
    ['"other" in facts.conntrack.timeouts', false],
    ['facts.conntrack.timeouts["established"]', 432000],
    ['{"a": [1, "b", null]}', { a: [1, 'b', null] }],
    ['assume(facts.conntrack.entryBytes, 320)', 320],
    ['assume(facts.conntrack.count, 320)', 9],
  ]
  test.each(cases)('%s', (text, value) => {
    expect(evaluated(text)).toEqual({ type: 'value', value })
  })
})

describe('an unknown reading makes unsure, unless the rest decides', () => {
  const why = 'facts.conntrack.entryBytes is not known: /proc/slabinfo: permission denied'
  const cases: readonly [text: string, evaluation: Evaluation][] = [
    ['facts.conntrack.entryBytes > 3', { type: 'unsure', why }],
    ['facts.conntrack.entryBytes > 3 && true', { type: 'unsure', why }],
    ['facts.conntrack.entryBytes > 3 || false', { type: 'unsure', why }],
    ['!(facts.conntrack.entryBytes > 3)', { type: 'unsure', why }],
    ['facts.conntrack.entryBytes > 3 && false', { type: 'value', value: false }],
    ['false && facts.conntrack.entryBytes > 3', { type: 'value', value: false }],
    ['facts.conntrack.entryBytes > 3 || true', { type: 'value', value: true }],
    ['true ? 1 : facts.conntrack.entryBytes', { type: 'value', value: 1 }],
    ['facts.writable', { type: 'unsure', why: 'facts.writable is not known: no such file' }],
    ['facts.writable == false', { type: 'unsure', why: 'facts.writable is not known: no such file' }],
    ['facts.conntrack["entryBytes"]', { type: 'unsure', why }],
  ]
  test.each(cases)('%s', (text, evaluation) => {
    expect(evaluated(text)).toEqual(evaluation)
  })
})

describe('what fails on a host says so', () => {
  const cases: readonly [text: string, message: string][] = [
    ['facts.conntrack.timeouts.other > 3', 'this host has no facts.conntrack.timeouts.other'],
    ['facts.conntrack.count / 0', 'gives Infinity: something was divided by zero'],
    ['facts.modules[7]', 'No such key: index out of bounds, index 7 >= size 2'],
  ]
  test.each(cases)('%s', (text, message) => {
    expect(evaluated(text)).toEqual({ type: 'failed', message })
  })
})

const LETTERS = 'a'.repeat(48)
const NUMBERS = `[${Array.from({ length: 300 }, (_, at) => at).join(', ')}]`

describe('no expression and no text of a host takes longer than about a second', () => {
  test('a pattern that goes back and forth elsewhere is answered at once', () => {
    expect(evaluated(`"${LETTERS}!".matches("^(a+)+$")`)).toEqual({ type: 'value', value: false })
    expect(evaluated(`["x", "${LETTERS}"].exists(t, t.matches("^(a+)+$"))`)).toEqual({ type: 'value', value: true })
    expect(evaluated('facts.modules.filter(m, m.name.matches("^[ab]$")).size() == 2')).toEqual({
      type: 'value',
      value: true,
    })
  })

  const rounds = (text: string) => `${NUMBERS}.all(a, ${NUMBERS}.all(b, ${text}))`
  const cases: readonly [what: string, text: string][] = [
    ['all', `${NUMBERS}.all(c, a + b + c >= 0)`],
    ['exists', `${NUMBERS}.exists(c, c > 1000) == false`],
    ['map', `${NUMBERS}.map(c, c * 2).size() == 300`],
    ['filter', `${NUMBERS}.filter(c, c > 1).size() == 298`],
    ['exists_one', `${NUMBERS}.exists_one(c, c == 1)`],
    ['matches', `!"${LETTERS.repeat(20)}".matches("(a+)+b")`],
  ]
  test.each(cases)('%s, in two lists more, is broken off', (_, text) => {
    expect(evaluated(rounds(text))).toEqual({
      type: 'failed',
      message: 'takes too long: broken off after 5 million steps',
    })
  })

  test('each evaluation has all of it', () => {
    const compilation = compile(rounds('a + b >= 0'), NAMES)
    if (!compilation.ok) throw new Error(compilation.message)
    const ends = Array.from({ length: 60 }, () => evaluate(compilation.compiled, {}, new Map()).type)
    expect(new Set(ends)).toEqual(new Set(['value']))
  })
})

describe('what can be known without a host is told when it is compiled', () => {
  const cases: readonly [text: string, message: string, offset: number][] = [
    ['facts.conntrack.cuont > 3', 'there is no cuont in facts.conntrack', 16],
    ['fcats.conntrack', 'there is no fcats', 0],
    ['facts.conntrack.count > "x"', 'no such overload: double > string', 0],
    ['"count" in facts.conntrack', 'no such overload: string in $facts.conntrack', 0],
    ['has(facts.conntrack.count)', 'has() is not offered: an unknown fact must stay unknown', 0],
    ['true || has(facts.conntrack.count)', 'has() is not offered: an unknown fact must stay unknown', 8],
    ['facts.modules.exists(m, has(m.name))', 'has() is not offered: an unknown fact must stay unknown', 24],
    ['"x".matches(facts.conntrack.form)', 'matches() takes a pattern written out here, not a computed one', 0],
    ['"x".matches("(a")', 'matches() cannot take this pattern: it has a ( without its )', 12],
    [
      '"x".matches("(?!a)")',
      'matches() cannot take this pattern: ctfleet does not follow a look ahead, (?= or (?!, in it',
      12,
    ],
    ['facts.conntrack.count.matches("a")', 'matches() is of text, not of a double', 0],
    ['cel.bind(a, [1], a + a)', 'bind() is not offered', 0],
    ['assume(1, 2)', 'assume() takes one number under `facts.` and what to assume', 7],
    ['assume(facts.writable, 1)', 'assume() takes one number under `facts.` and what to assume', 13],
    ['assume(facts.conntrack.count, "1")', 'assume() can only assume a number', 30],
    ['1 +', 'the expression ends too early', 3],
    ['1 + # 2', 'unexpected character: #', 4],
    ['facts.conntrack', 'gives a group of facts, which no value here can be', 0],
    ['timestamp("2020-01-01T00:00:00Z")', 'gives a google.protobuf.Timestamp, which no value here can be', 0],
    ['', 'the expression ends too early', 0],
  ]
  test.each(cases)('%s', (text, message, offset) => {
    expect(compile(text, NAMES)).toMatchObject({ ok: false, message, offset })
  })

  test('a condition must be true or false', () => {
    expect(compile('1 + 1', NAMES, 'bool')).toMatchObject({
      ok: false,
      message: 'must be true or false, but gives a number',
    })
  })

  test('the names that are known in its place come along', () => {
    expect(compile('facts.memory.totel', NAMES)).toMatchObject({ unknown: { name: 'totel', known: ['total'] } })
  })
})

test('nothing reaches what is not data', () => {
  for (const text of [
    'facts.constructor',
    'facts.conntrack.timeouts.constructor',
    'facts.conntrack.timeouts.__proto__',
  ])
    expect(['failed', 'rejected']).toContain(evaluated(text).type)
})

test('compiling and evaluating are total', () => {
  const part = fc.constantFrom(
    'facts',
    '.',
    'conntrack',
    'count',
    'modules',
    '(',
    ')',
    '[',
    ']',
    '0',
    '1',
    '"a"',
    '+',
    '/',
    '&&',
    '?',
    ':',
    ' in ',
    'max',
    ',',
    'm',
    '.map(m, ',
    '.exists(m, ',
    'size(',
    '!',
    '"(".matches("(")',
    '==',
    'null',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (each) => {
      expect(['value', 'unsure', 'failed', 'rejected']).toContain(evaluated(each).type)
    }),
    { numRuns: 2000 },
  )
})

test.each(['(', '[', '!', '-', 'size(', '{"a":'])('ten thousand times %j is refused, not a crash', (part) => {
  expect(compile(part.repeat(10_000), NAMES).ok).toBe(false)
})

test('the caret stands under the character, in its line', () => {
  expect(caret('a &&\n  b.c', 9)).toBe('  b.c\n    ^')
})

function evaluated(text: string): Evaluation | { type: 'rejected' } {
  const compilation = compile(text, NAMES)
  return compilation.ok ? evaluate(compilation.compiled, VIEW.bindings, VIEW.whyUnknown) : { type: 'rejected' }
}
