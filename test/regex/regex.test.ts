import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { regexMatcher, regexSearcher } from '../../src/regex/regex.ts'

describe('as re.match of Python has it', () => {
  const cases: readonly [source: string, matched: readonly string[], others: readonly string[]][] = [
    ['web\\d+', ['web1', 'web22-old'], ['web', 'db1', 'my-web1']],
    ['web\\d+$', ['web1'], ['web22-old']],
    ['(web|db)-[0-9]{2}', ['web-01', 'db-22.example'], ['web-1', 'mail-01']],
    ['(?:a|b)?c', ['ac', 'bc', 'c'], ['dc']],
    ['(?P<role>web).*\\.eu\\Z', ['web-1.eu'], ['web-1.eu.org']],
    ['(?!web)', ['db-1', ''], ['web-1']],
    ['(?=.*prod)web', ['web-prod', 'web-1-prod'], ['web-test', 'prod-web']],
    ['(?i)WEB-[A-C]', ['web-a', 'Web-B'], ['web-d']],
    ['[^a-c]x', ['dx'], ['ax', 'x']],
    ['[]a]x', [']x', 'ax'], ['bx']],
    ['[[&&]]', ['[]', '&]'], [']']],
    ['[\\w.]+-\\d', ['web.eu-1', 'wéb-2'], ['web eu-1']],
    ['a{2,}b', ['aab', 'aaaab'], ['ab']],
    ['a{,2}b', ['b', 'aab'], ['aaab']],
    ['a{}', ['a{}'], ['a']],
    ['web\\b', ['web', 'web-1'], ['web1']],
    ['', ['web', ''], []],
    ['a||b', ['web'], []],
    ['^web$', ['web'], ['web1']],
    ['web.\\.eu', ['web1.eu'], ['web1-eu']],
    ['\\[\\d\\]', ['[1]'], ['1']],
    ['(a*)*b', ['aaab', 'b'], ['aaac']],
    ['a+?b*?c', ['abc', 'aac'], ['bc']],
  ]
  test.each(cases)('%s', (source, matched, others) => {
    expect(matched.filter((text) => !matches(source, text))).toEqual([])
    expect(others.filter((text) => matches(source, text))).toEqual([])
  })
})

describe('what cannot be read says why', () => {
  const cases: readonly [source: string, wrong: string][] = [
    ['(web', 'it has a ( without its )'],
    ['web)', 'it has a ) without its ('],
    ['[web', 'it has a [ without its ]'],
    ['*web', '"*" has nothing before it to repeat'],
    ['web++', '"+" repeats a repetition'],
    ['(a)\\1', 'ctfleet does not follow "\\\\1" in it'],
    ['(?P<1>a)', 'ctfleet does not follow "(?P<" in it'],
    ['(?<!a)b', 'ctfleet does not follow "(?<!" in it'],
    ['web\\', 'it ends with a \\'],
    ['[z-a]', '"[z-a]" is no set of characters'],
    ['a{3,2}', '"{3,2}" repeats more than 300 times, or backwards'],
    ['a{999}', '"{999}" repeats more than 300 times, or backwards'],
    ['((a{200}){200}){200}', 'it is too long: it comes to more than 5000 steps'],
    ['('.repeat(400), 'its groups are nested too deeply'],
    ['a'.repeat(1001), 'it is too long: more than 1000 characters'],
  ]
  test.each(cases)('%s', (source, wrong) => {
    expect(regexMatcher(source)).toEqual({ wrong })
  })
})

/** Each of these keeps a matcher that goes back busy for years, or minutes. */
test.each([
  '(a+)+$',
  '(a|aa)+$',
  '(.*a){25}$',
  '(a*)*$',
  '.*.*.*.*.*.*b$',
  '(?=(?=(?=.*b).*b).*b)',
  '(a?){200}a{200}b',
])('%s is told at once to match nothing', (source) => {
  const begun = performance.now()
  expect(matches(source, `${'a'.repeat(252)}!`)).toBe(false)
  expect(performance.now() - begun).toBeLessThan(2000)
})

test('what JavaScript reads in the same way matches in the same way', () => {
  const part = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '(a|b)',
    '(?:ab)',
    '(?!a)',
    '(?=b)',
    '\\d',
    '1',
    '-',
    '|',
    '^',
    '$',
  )
  const times = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}', '{0,}', '*?')
  const repeated = fc.tuple(part, times).map(([one, often]) => (/[|^$]|^\(\?[!=]/.test(one) ? one : one + often))
  const source = fc.array(repeated, { maxLength: 6 }).map((parts) => parts.join(''))
  const text = fc.array(fc.constantFrom('a', 'b', '1', '-'), { maxLength: 6 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(source, text, (written, name) => {
      expect(matches(written, name)).toBe(new RegExp(`^(?:${written})`, 's').test(name))
    }),
    { numRuns: 3000 },
  )
})

test('reading never throws', () => {
  const part = fc.constantFrom(
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '?',
    ':',
    '*',
    '+',
    '|',
    '\\',
    'P<a>',
    '!',
    '1',
    ',',
    'w',
    '^',
  )
  const source = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(source, (written) => {
      const matcher = regexMatcher(written)
      expect(typeof (typeof matcher === 'function' ? matcher('web-1') : matcher.wrong)).toMatch(/boolean|string/)
    }),
    { numRuns: 3000 },
  )
})

function matches(source: string, text: string): boolean {
  const matcher = regexMatcher(source)
  if (typeof matcher !== 'function') throw new Error(`${source}: ${matcher.wrong}`)
  return matcher(text)
}

describe('searched for in a text, as CEL has it', () => {
  const searcher = (source: string) => {
    const search = regexSearcher(source)
    if ('wrong' in search) throw new Error(search.wrong)
    return search
  }

  test('it may begin anywhere', () => {
    expect(searcher('eth[0-9]+$')('my-eth10', () => undefined)).toBe(true)
    expect(searcher('^eth')('my-eth10', () => undefined)).toBe(false)
    expect(searcher('')('', () => undefined)).toBe(true)
    expect(searcher('(?i)ETH')('my-eth', () => undefined)).toBe(true)
  })

  test('what no text can be searched for in proportion to its length is refused', () => {
    expect(regexSearcher('(?=a)b')).toEqual({ wrong: 'ctfleet does not follow a look ahead, (?= or (?!, in it' })
    expect(regexSearcher('(a')).toEqual({ wrong: 'it has a ( without its )' })
  })

  test('every step is told of, at most as many for a character as the expression has states', () => {
    let steps = 0
    const search = searcher('(a+)+$')
    expect(search(`${'a'.repeat(1000)}!`, (count) => (steps += count))).toBe(false)
    expect(steps).toBeGreaterThan(1000)
    expect(steps).toBeLessThan(10_000)
  })

  test('it finds what JavaScript finds', () => {
    const part = fc.constantFrom('a', 'b', '.', '[ab]', '(a|b)*', 'a+', 'b?', '^', '$', '(?:ab){1,2}', '\\b')
    const sources = fc.array(part, { maxLength: 5 }).map((parts) => parts.join(''))
    const repeats = /[*+?}][*+?{]/
    fc.assert(
      fc.property(sources, fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 8 }), (source, text) => {
        fc.pre(!repeats.test(source))
        expect(searcher(source)(text, () => undefined)).toBe(new RegExp(source).test(text))
      }),
    )
  })
})
