import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test as law } from '@fast-check/vitest'
import { afterAll, describe, expect, test } from 'vitest'
import type { Script } from '../../src/shell/script.ts'
import { file } from '../../src/steps/file.ts'
import { SHELLS } from '../support/shells.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-file-'))
afterAll(() => rmSync(directory, { recursive: true }))

const present = (text: string) => ({ file: 'present', mode: '644', owner: '0:0', text }) as const

// biome-ignore lint/suspicious/noTemplateCurlyInString: shell text
const BRACES = '${x}'
const hostile = fc.array(
  fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom("'", '"', '$(exit 9)', '`id`', '\\', '\\n', '%s', '\n', '\r', '!', BRACES, '-n', "'\\''"),
  ),
  { maxLength: 8 },
)
const content = hostile
  .map((pieces) => pieces.join(''))
  .filter((text) => !text.includes('\0') && !text.includes('\uFFFD') && Buffer.from(text).toString() === text)

describe.each(SHELLS)('in $name', ({ name, argv, missing }) => {
  const run = (text: string) =>
    spawnSync(argv[0] ?? name, [...argv.slice(1), '-c', `act() {\n${text}\n}\n( act ) < /dev/null`], {
      encoding: 'utf8',
    })

  test('what was written is read back, whatever it holds', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    if (process.getuid?.() !== 0) ctx.skip('ctfleet writes files of root only')
    fc.assert(
      fc.property(content, content, (first, second) => {
        const path = join(directory, 'a.conf')
        const want = { path, content: second }
        writeFileSync(path, first)
        const before = file.read(run(file.probe(want).text).stdout, want)
        expect(before).toEqual({ known: true, value: present(first) })
        for (const [from, to] of [
          [first, second],
          [second, first],
        ] as const) {
          const script = file.transition(present(from), present(to), want)
          if ('impossible' in script) throw new Error(script.impossible)
          expect(run(script.text)).toMatchObject({ status: 0, stderr: '' })
          expect(readFileSync(path, 'utf8')).toBe(to)
        }
      }),
      { numRuns: 20 },
    )
  })

  test('under SELinux a file keeps its label, and a new one gets the label of its place', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    const tools = mkdtempSync(join(directory, 'tools-'))
    const told = join(tools, 'told')
    for (const tool of ['chcon', 'restorecon'])
      writeFileSync(join(tools, tool), `#!/bin/sh\necho ${tool} "$@" >> '${told}'\n`, { mode: 0o755 })
    const path = join(tools, 'a.conf')
    const absent = { file: 'absent', directory: 'present' } as const
    const states = [absent, present('one\n'), present('two\n'), absent] as const
    for (const [at, from] of states.slice(0, -1).entries()) {
      const script = file.transition(from, states[at + 1] as typeof from, { path, content: '' })
      if ('impossible' in script) throw new Error(script.impossible)
      expect(run(`PATH='${tools}':$PATH\n${script.text}`)).toMatchObject({ status: 0, stderr: '' })
    }
    expect(readFileSync(told, 'utf8')).toBe(
      `restorecon -- ${path}\nchcon --reference=${path} -- ${path}.ctfleet-staged\n`,
    )
  })

  test('a directory that is not there is made with its file, so that all can read it, and goes with it', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    if (process.getuid?.() !== 0) ctx.skip('ctfleet writes files of root only')
    const path = join(directory, `new-${name}`, 'a.conf')
    const want = { path, content: 'x' }
    const absent = file.read(run(file.probe(want).text).stdout, want)
    expect(absent).toEqual({ known: true, value: { file: 'absent', directory: 'absent' } })
    const before = { file: 'absent', directory: 'absent' } as const
    const act = (script: Script | { readonly impossible: string } | undefined) => {
      if (script === undefined || 'impossible' in script) throw new Error('there is no such script')
      expect(run(`umask 077\n${script.text}`)).toMatchObject({ status: 0, stderr: '' })
    }
    act(file.stage?.(before, present('x'), want).stage)
    expect(run(file.probe(want).text).stdout, 'staging changes nothing').toBe('absent with its directory\n')
    act(file.transition(before, present('x'), want))
    expect(statSync(join(directory, `new-${name}`)).mode & 0o777).toBe(0o755)
    act(file.transition(present('x'), before, want))
    expect(run(file.probe(want).text).stdout).toBe('absent with its directory\n')
  })
})

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
