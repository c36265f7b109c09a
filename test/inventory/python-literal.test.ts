import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitWords } from '../../src/inventory/ini-words.ts'
import { pythonLiteral } from '../../src/inventory/python-literal.ts'
import type { Json } from '../../src/model/json.ts'
import { run } from '../lab/command.ts'
import { exists } from '../lab/packages.ts'

describe('what Ansible makes of a value in an INI', () => {
  const cases: readonly [text: string, value: Json | undefined][] = [
    ['22', 22],
    ['007', undefined],
    ['1_000', 1000],
    ['0x1f', 31],
    ['1e3', 1000],
    ['--5', undefined],
    ['True', true],
    ['true', undefined],
    ['None', null],
    ['10.0.0.1', undefined],
    ["'22'", '22'],
    ["'a' 'b'", 'ab'],
    ["r'\\n'", '\\n'],
    ["'\\x41\\u00e9'", 'Aé'],
    ["f'x'", undefined],
    ['1,2', [1, 2]],
    ['{1, 2}', [1, 2]],
    ["{'a': [1, (2, None)], 3: {}}", { a: [1, [2, null]], 3: {} }],
    ['5 # a comment', 5],
    ['[1, 2', undefined],
    ['99999999999999999999', undefined],
    ['', undefined],
    ['['.repeat(5000), undefined],
  ]
  test.each(cases)('%j', (text, value) => {
    expect(pythonLiteral(text)?.value).toEqual(value)
  })
})

test('values and lines mean what Python itself makes of them', async (context) => {
  if (!(await exists('/usr/bin/python3'))) return context.skip('there is no /usr/bin/python3')
  const texts = fc.sample(fc.oneof(noise, damaged), { numRuns: 3000, seed: 5 })
  const { stdout, stderr } = await run(['/usr/bin/python3', '-W', 'ignore', '-c', PYTHON], {
    input: JSON.stringify(texts),
  })
  expect(stderr).toBe('')
  const theirs: readonly { readonly literal: Json; readonly words: Json }[] = JSON.parse(stdout)
  const ours = texts.map((text) => {
    const words = splitWords(text)
    return { literal: pythonLiteral(text) ?? null, words: 'wrong' in words ? null : words.map((word) => word.text) }
  })
  const differing = texts.flatMap((text, index) => {
    const [a, b] = [JSON.stringify(ours[index]), JSON.stringify(theirs[index])]
    return a === b || theirs[index]?.literal === 'a set' ? [] : [{ text, ours: a, theirs: b }]
  })
  expect(differing).toEqual([])
  expect(ours.filter(({ literal }) => literal !== null).length).toBeGreaterThan(300)
})

const PARTS = '1 0 _ . e - + x \' " [ ] ( ) { } , : # \\ n True None a b r ='.split(' ')
const noise = fc.array(fc.constantFrom(...PARTS, ' '), { maxLength: 9 }).map((each) => each.join(''))

/** What Python would take, with a sign lost or one too many. */
const { literal } = fc.letrec<{ literal: string }>((tie) => {
  const list = fc.array(tie('literal'), { maxLength: 3 })
  const pairs = fc.array(fc.tuple(fc.constantFrom("'a'", '"b c"', '7', 'None', 'True', '-2'), tie('literal')), {
    maxLength: 3,
  })
  return {
    literal: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom('1', '-5', '1.5', '.5e-3', '0x1F', '0b1_0', '00', '1_0', 'True', 'False', 'None', '1e9'),
      fc.constantFrom(
        "'a'",
        "''",
        '"b\\tc"',
        "'''x'''",
        "r'\\d'",
        "b'x'",
        "u'é'",
        '\'a\' "b"',
        "'\\x41\\101'",
        "'\\q'",
      ),
      list.map((items) => `[${items.join(', ')}]`),
      list.map((items) => `(${items.map((item) => `${item},`).join(' ')})`),
      tie('literal').map((item) => `( ${item} )`),
      pairs.map((all) => `{${all.map(([key, item]) => `${key}: ${item}`).join(',')}}`),
    ),
  }
})
const damaged = fc
  .tuple(literal, fc.nat(), fc.constantFrom('keep', 'keep', 'drop', ...PARTS))
  .map(([text, where, how]) => {
    const at = where % (text.length + 1)
    if (how === 'keep') return text
    return how === 'drop' ? text.slice(0, at) + text.slice(at + 1) : text.slice(0, at) + how + text.slice(at)
  })

/** What JSON cannot say is no literal to us: complex numbers, an ellipsis, keys that are no plain values. */
const PYTHON = `
import ast, json, shlex, sys

class Unordered(Exception):
    pass

def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, set):
        raise Unordered
    if isinstance(value, dict):
        if any(isinstance(key, tuple) for key in value):
            raise ValueError
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError

def literal(text):
    try:
        return {'value': plain(ast.literal_eval(text))}
    except Unordered:
        return 'a set'
    except (ValueError, SyntaxError, TypeError, OverflowError):
        return None

def words(text):
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return None

json.dump([{'literal': literal(text), 'words': words(text)} for text in json.load(sys.stdin)], sys.stdout, ensure_ascii=False)
`

test('a row of digits that is no number is seen to be none at once, however long', () => {
  // Time that grows with its square would be beyond what a test may take.
  expect(pythonLiteral(`${'1'.repeat(100_000)}x`)).toBeUndefined()
})
