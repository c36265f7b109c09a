import { expect, test } from 'vitest'
import { parseExposition } from './exposition.ts'

test('what is of the format is read', () => {
  const text = [
    '# HELP a_b what \\\\ it \\n is',
    '# TYPE a_b gauge',
    'a_b{l="x \\"y\\" \\\\ \\n",m=""} 1.5e3',
    'a_b NaN',
    '# TYPE h histogram',
    'h_bucket{le="+Inf"} 2',
    'h_sum -Inf',
    'h_count 2',
    '',
  ].join('\n')
  const metrics = parseExposition(text)
  expect(metrics.get('a_b')).toEqual({
    help: 'what \\ it \n is',
    type: 'gauge',
    samples: [
      { name: 'a_b', labels: { l: 'x "y" \\ \n', m: '' }, value: 1500 },
      { name: 'a_b', labels: {}, value: Number.NaN },
    ],
  })
  expect(metrics.get('h')?.samples).toHaveLength(3)
})

test.each([
  ['no newline at the end', '# TYPE a gauge\na 1'],
  ['no type', 'a 1\n'],
  ['a type that there is not', '# TYPE a number\na 1\n'],
  ['a second type', '# TYPE a gauge\n# TYPE a gauge\na 1\n'],
  ['help after a sample', '# TYPE a gauge\na 1\n# HELP a b\n'],
  ['a metric in two places', '# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na{l="2"} 1\n'],
  ['a series twice', '# TYPE a gauge\na{l="1",m="2"} 1\na{m="2",l="1"} 2\n'],
  ['an empty line', '# TYPE a gauge\n\na 1\n'],
  ['a timestamp', '# TYPE a gauge\na 1 1395066363000\n'],
  ['no number', '# TYPE a gauge\na one\n'],
  ['a label without quotes', '# TYPE a gauge\na{l=1} 1\n'],
  ['a label twice', '# TYPE a gauge\na{l="1",l="2"} 1\n'],
  ['an escape that there is not', '# TYPE a gauge\na{l="\\t"} 1\n'],
  ['a label of a name that there is not', '# TYPE a gauge\na{l-l="1"} 1\n'],
  ['a negative counter', '# TYPE a counter\na -1\n'],
  ['something else', '# TYPE a gauge\na 1\n<html>\n'],
  ['a control character', '# TYPE a gauge\na{l="\x1b"} 1\n'],
])('%s is no such text', (_what, text) => {
  expect(() => parseExposition(text)).toThrow()
})
