import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { asManyAsFit, freeDescriptors, READING_FILES } from '../../src/run/descriptors.ts'

test('where there are descriptors enough, or nobody can tell, nothing is held back', () => {
  expect(asManyAsFit(100, READING_FILES, 1000)).toEqual({ parallel: 100, note: null })
  expect(asManyAsFit(5000, READING_FILES, null)).toEqual({ parallel: 5000, note: null })
})

test('otherwise there are fewer hosts at a time, and what to type for more', () => {
  const { parallel, note } = asManyAsFit(5000, READING_FILES, 1000)
  expect(parallel * READING_FILES).toBeLessThan(1000)
  const [, typed] = /ulimit -n (\d+)/.exec(note ?? '') ?? []
  expect(note).toMatch(`${parallel} hosts at a time`)
  // What we tell to type is enough.
  expect(asManyAsFit(5000, READING_FILES, Number(typed) - 64)).toEqual({ parallel: 5000, note: null })
})

test('with none left there is still one host at a time', () => {
  expect(asManyAsFit(10, READING_FILES, 3)).toMatchObject({ parallel: 1, note: expect.stringContaining('1 host at') })
})

test.skipIf(process.platform !== 'linux')('the limit is the one that this process has, less what is open', () => {
  const program = `import('${new URL('../../src/run/descriptors.ts', import.meta.url).href}').then((it) => console.log(it.freeDescriptors()))`
  const limited = execFileSync('sh', [
    '-c',
    'ulimit -n 200; exec "$@"',
    'sh',
    process.execPath,
    '--import',
    'tsx',
    '-e',
    program,
  ])
  expect(Number(limited)).toBeGreaterThan(100)
  expect(Number(limited)).toBeLessThan(200)
  expect(freeDescriptors()).toBeGreaterThan(100)
})
