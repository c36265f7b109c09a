import { getEventListeners, once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { type On, openQuestion } from '../../src/cli/ask-open.ts'

test('a question that is taken back is closed on the screen, before anything else is said, and once', async () => {
  const withdrawn = new AbortController()
  const { streams, shown } = screen()
  const asked = openQuestion(pending, { ctrlD: 'q', withdrawn: withdrawn.signal }, streams)
  await soon()
  withdrawn.abort()
  expect(shown()).toMatch(/^\S*\n {2}Not answered\.$/)
  expect(await asked).toBe('interrupted')
  withdrawn.abort()
  expect(shown().match(/Not answered/g)).toHaveLength(1)
})

test('Ctrl-C closes it in the same way', async () => {
  const { streams, shown } = screen()
  const asked = openQuestion(pending, { ctrlD: 'q' }, streams)
  await soon()
  streams.stdin.write('\x03')
  expect(await asked).toBe('interrupted')
  expect(shown()).toContain('Not answered.')
})

test('what is taken back once it is answered stays answered', async () => {
  const withdrawn = new AbortController()
  const { streams, shown } = screen()
  expect(await openQuestion(async () => 'yes', { ctrlD: 'q', withdrawn: withdrawn.signal }, streams)).toBe('yes')
  withdrawn.abort()
  expect(shown()).toBe('')
})

test('a signal that lives as long as the program keeps nothing of a question that is over', async () => {
  const { signal } = new AbortController()
  const during: number[] = []
  const ask = async () => void during.push(getEventListeners(signal, 'abort').length)
  for (let one = 0; one < 3; one++) await openQuestion(ask, { ctrlD: 'q', withdrawn: signal }, screen().streams)
  expect(during).toEqual([1, 1, 1])
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('what was taken back before is not asked', async () => {
  const { streams, shown } = screen()
  const asked = openQuestion(async () => 'yes', { ctrlD: 'q', withdrawn: AbortSignal.abort() }, streams)
  expect(await asked).toBe('interrupted')
  expect(shown()).toBe('')
})

test('a signal ends the question first, and then does what others have it do', async () => {
  const heard: string[] = []
  const hear = () => void heard.push(shown())
  process.on('SIGTERM', hear)
  const { streams, shown } = screen()
  try {
    const asked = openQuestion(pending, { ctrlD: 'q' }, streams)
    await soon()
    process.emit('SIGTERM', 'SIGTERM')
    expect(await asked).toBe('interrupted')
    expect(heard).toEqual([expect.stringContaining('Not answered.')])
    expect(process.listeners('SIGTERM')).toContain(hear)
  } finally {
    process.off('SIGTERM', hear)
  }
})

test('a mistake of ours is no interruption', async () => {
  const broken = async () => await Promise.reject(new Error('bug'))
  await expect(openQuestion(broken, { ctrlD: 'q' }, screen().streams)).rejects.toThrow('bug')
})

/** As inquirer does, which rejects when its signal is aborted. */
async function pending({ signal }: On): Promise<never> {
  await once(signal, 'abort')
  throw new Error('aborted')
}

function screen() {
  const [stdin, stderr] = [new PassThrough(), new PassThrough()]
  let text = ''
  stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  type Streams = NonNullable<Parameters<typeof openQuestion>[2]>
  return { streams: { stdin, stderr } as unknown as Streams & { readonly stdin: PassThrough }, shown: () => text }
}

async function soon(): Promise<void> {
  await new Promise((done) => setImmediate(done))
}
