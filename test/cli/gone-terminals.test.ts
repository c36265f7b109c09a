import { expect, test } from 'vitest'
import { letGoOfGoneTerminals } from '../../src/cli/gone-terminals.ts'

const [terminal, file] = [{ isTTY: true }, {}]

test('of what was a terminal and is none any more, and of nothing else', () => {
  const { system, done } = aSystem({ gone: [0, 1] })
  letGoOfGoneTerminals({ stdin: terminal, stdout: file, stderr: terminal }, system)
  expect(done).toEqual(['close 0', 'open /dev/null'])
})

test('that it cannot be done keeps nobody from ending, nor the others from being let go of', () => {
  const { system, done } = aSystem({ gone: [0, 1, 2], fails: true })
  letGoOfGoneTerminals({ stdin: terminal, stdout: terminal, stderr: terminal }, system)
  expect(done.filter((what) => what.startsWith('close'))).toEqual(['close 0', 'close 1', 'close 2'])
})

function aSystem({ gone, fails = false }: { readonly gone: readonly number[]; readonly fails?: boolean }) {
  const done: string[] = []
  const attempted = (what: string) => {
    done.push(what)
    if (fails) throw new Error('EIO: i/o error')
    return 0
  }
  const system = {
    isatty: (fd: number) => !gone.includes(fd),
    closeSync: (fd: number) => void attempted(`close ${fd}`),
    openSync: (path: unknown) => attempted(`open ${String(path)}`),
  }
  return { system, done }
}
