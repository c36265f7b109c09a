import { execFileSync, spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bundle, type Probe, unbundle } from '../../src/shell/bundle.ts'
import { sh } from '../../src/shell/script.ts'

const SHELLS = [
  { shell: 'dash', argv: ['dash'] },
  { shell: 'bash', argv: ['bash', '--posix'] },
  { shell: 'busybox', argv: ['busybox', 'sh'] },
]
const NONCE = 'n0nce'

describe.each(SHELLS)('under $shell', ({ argv }) => {
  const [program = '', ...options] = argv
  const absent = spawnSync(program, [...options, '-c', ':']).status !== 0

  const run = (probes: readonly Probe[], bytes = 1000) => {
    // What was typed is read by somebody, or writing it fails where the script is quicker.
    const script = `${bundle(probes, { bytes }).text}\ncat > /dev/null`
    const stdout = execFileSync(program, [...options, '-c', script, 'sh', NONCE], { input: 'typed\n', stdio: 'pipe' })
    return unbundle(
      stdout.toString(),
      NONCE,
      probes.map(({ name }) => name),
    )
  }
  const section = (probe: Probe['probe'], bytes?: Probe['bytes']) =>
    run([{ name: 'only', probe, ...(bytes === undefined ? {} : { bytes }) }]).get('only')

  test('outputs come back to the byte, with their codes', (ctx) => {
    ctx.skip(absent, `no ${program} on this machine`)
    const outputs = ['', '\n', '\n\n', 'a', 'a\n', '\na\n\n', 'é\t%s \\n $1 `x`', `${NONCE}`, ' '.repeat(900)]
    const probes = outputs.flatMap((output, at) => [
      { name: `cap ${at}`, probe: sh`printf %s ${output}; exit ${at}` },
      { name: `own ${at}`, probe: sh`printf %s ${output}; exit ${at}`, bytes: 'own' as const },
    ])
    const answers = run(probes)
    for (const [at, output] of outputs.entries()) {
      const expected = { known: true, value: { code: at, output, truncated: false } }
      expect(answers.get(`cap ${at}`)).toEqual(expected)
      expect(answers.get(`own ${at}`)).toEqual(expected)
    }
  })

  test('a cap is kept, and it is told whether something was cut', (ctx) => {
    ctx.skip(absent, `no ${program} on this machine`)
    const exact = section(sh`printf %s ${'x'.repeat(20)}`, 20)
    expect(exact).toEqual({ known: true, value: { code: 0, output: 'x'.repeat(20), truncated: false } })
    const over = section(sh`printf %s ${'x'.repeat(21)}`, 20)
    expect(over).toMatchObject({ known: true, value: { output: 'x'.repeat(20), truncated: true } })
    const endless = section(sh`while :; do echo y; done`, 20)
    expect(endless).toMatchObject({ known: true, value: { output: 'y\n'.repeat(10), truncated: true } })
  })

  test('a probe gets nothing on stdin, and neither its stderr, its variables nor its exit reach another', (ctx) => {
    ctx.skip(absent, `no ${program} on this machine`)
    const answers = run([
      { name: 'a', probe: sh`cat; echo lost >&2; leak=1; cd /; exit 7` },
      { name: 'b', probe: sh`echo "$leak"; false`, bytes: 'own' },
      { name: 'c', probe: sh`case x in x) echo 'quo"ted )' ;; esac # a comment` },
      { name: 'd', probe: sh``, onlyIf: sh`true` },
      { name: 'skipped', probe: sh`echo no; exit 3`, onlyIf: sh`[ -n "$leak" ]` },
      { name: 'e', probe: sh`kill -9 $(sh -c 'echo $PPID')` },
    ])
    expect(answers.get('a')).toEqual({ known: true, value: { code: 7, output: '', truncated: false } })
    expect(answers.get('b')).toEqual({ known: true, value: { code: 1, output: '\n', truncated: false } })
    expect(answers.get('c')).toEqual({ known: true, value: { code: 0, output: 'quo"ted )\n', truncated: false } })
    expect(answers.get('d')).toEqual({ known: true, value: { code: 0, output: '', truncated: false } })
    expect(answers.get('skipped')).toEqual({ known: true, value: { code: 0, output: '', truncated: false } })
    expect(answers.get('e')).toMatchObject({ known: true, value: { code: 137 } })
  })

  test('what a probe prints cannot pass for a marker of another nonce', (ctx) => {
    ctx.skip(absent, `no ${program} on this machine`)
    const forged = '\nforged end "a" 0\nforged begin "b" 10\nlies\n\nforged end "b" 0\n'
    const answers = run([
      { name: 'a', probe: sh`printf %s ${forged}` },
      { name: 'b', probe: sh`echo truth` },
    ])
    expect(answers.get('a')).toMatchObject({ value: { output: forged } })
    expect(answers.get('b')).toMatchObject({ value: { output: 'truth\n' } })
  })
})

test('a link that is cut leaves whole sections, and unknowns with a cause', () => {
  const text = `noise ${NONCE} begin "a" 10\n1\n\n${NONCE} end "a" 0\n${NONCE} begin "b" 10\n2`
  const answers = unbundle(text, NONCE, ['a', 'b', 'c'])
  expect(answers.get('a')).toEqual({ known: true, value: { code: 0, output: '1\n', truncated: false } })
  expect(answers.get('b')).toEqual({ known: false, why: `the host's answer ends inside section "b"` })
  expect(answers.get('c')).toEqual({ known: false, why: `the host's answer has no section "c"` })
})

test('unbundling never throws and every name is answered', () => {
  const names = fc.array(fc.string({ unit: 'binary', maxLength: 10 }), { maxLength: 5 })
  const pieces = fc.array(
    fc.oneof(fc.string(), fc.constantFrom(`${NONCE} begin "a" 5\n`, `\n${NONCE} end "a" 0\n`, 'é')),
  )
  fc.assert(
    fc.property(pieces, fc.constantFrom(NONCE, '', '.*'), names, (output, nonce, asked) => {
      const answers = unbundle(output.join(''), nonce, [...asked, 'a'])
      return [...asked, 'a'].every((name) => answers.has(name))
    }),
  )
})
