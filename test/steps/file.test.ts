import { test as law } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { file } from '../../src/steps/file.ts'
import { content, present } from './file-texts.ts'

law.prop([content])('a file reads as it is, to the last newline', (text) => {
  expect(file.read(`present 644 0:0\n${text}.`, { path: '/etc/x', content: '' })).toEqual({
    known: true,
    value: present(text),
  })
})

test.each([
  ['a link', 'link\n'],
  ['a directory or a device', 'other\n'],
  ['without the directory above its own', 'nowhere\n'],
  ['longer than a plan takes in', `present 644 0:0\n${'x'.repeat(65_537)}.`],
  ['not UTF-8', 'present 644 0:0\n\uFFFD.'],
  ['cut off', 'present 644 0:0\nabc'],
])('a file that is %s is not known', (_what, printed) => {
  expect(file.read(printed, { path: '/etc/x', content: '' })).toMatchObject({ known: false })
})

test.each([
  ['644', '1000:0'],
  ['755', '0:0'],
  ['4644', '0:0'],
  ['?', '?'],
])('a file of mode %s and owner %s is not written', (mode, owner) => {
  expect(
    file.transition(
      { ...present('a'), mode, owner },
      { ...present('b'), mode, owner },
      { path: '/etc/x', content: 'b' },
    ),
  ).toHaveProperty('impossible')
})

test.each(['relative', '/etc/../x', '/etc/x y', '/etc/$(id)', '/etc/', '/', "/etc/it's"])(
  'the path %j is refused',
  (path) => {
    expect(file.want.safeParse({ path, content: '' }).success).toBe(false)
  },
)

test.each(['a\0b', '\uD800', 'é'.repeat(40_000)])('content that would not read back is refused', (text) => {
  expect(file.want.safeParse({ path: '/etc/x', content: text }).success).toBe(false)
})

describe('commenting a variable out', () => {
  const want = { path: '/etc/sysconfig/iptables-config', comment_out: 'IPTABLES_MODULES' }
  const out = (text: string) => file.goal(present(text), want)

  test.each([
    ['IPTABLES_MODULES="a b"\n', '#IPTABLES_MODULES="a b"\n'],
    ["  IPTABLES_MODULES=a # it's why\n", "  #IPTABLES_MODULES=a # it's why\n"],
    ['\tIPTABLES_MODULES="it\'s"\r\nx=1', '\t#IPTABLES_MODULES="it\'s"\r\nx=1'],
    ['#IPTABLES_MODULES=a\nIPTABLES_MODULES_UNLOAD="yes"\n', '#IPTABLES_MODULES=a\nIPTABLES_MODULES_UNLOAD="yes"\n'],
    ['IPTABLES_MODULES=a\nIPTABLES_MODULES=b', '#IPTABLES_MODULES=a\n#IPTABLES_MODULES=b'],
  ])('%j becomes %j, and stays so', (text, commented) => {
    expect(out(text)).toEqual(present(commented))
    expect(out(commented)).toEqual(present(commented))
  })

  test.each(['IPTABLES_MODULES="a \n b"\n', "IPTABLES_MODULES='a\n'", 'IPTABLES_MODULES=a\\\nb\n'])(
    '%j goes on below, so it is left to a person',
    (text) => expect(out(text)).toHaveProperty('impossible'),
  )

  test('a file that is not there needs nothing', () => {
    expect(file.goal({ file: 'absent', directory: 'present' }, want)).toEqual({ file: 'absent', directory: 'present' })
  })
})
