import { afterEach, expect, test, vi } from 'vitest'
import { DEFAULT_THRESHOLDS } from '../../src/diagnosis/thresholds.ts'
import { planHost } from '../../src/run/plan-host.ts'
import { local } from '../../src/transport/local.ts'
import { LOCALHOST } from '../transport/hosts.ts'

afterEach(() => vi.restoreAllMocks())

test('a plan that cannot have root asks for nothing else, and ends the session', async () => {
  const asked: string[] = []
  let isClosed = false
  vi.spyOn(local, 'open').mockResolvedValue({
    host: LOCALHOST,
    run: async (_script, { as }) => {
      asked.push(as)
      return { refused: { code: 'no-privilege', message: 'no root', next: 'sudo' } }
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
    },
  })
  const wish = {
    strategy: 'auto',
    ports: [],
    playbooks: [],
    builtIn: { unload: null, notrack: null, tune: null },
    thresholds: DEFAULT_THRESHOLDS,
    where: null,
  } as unknown as Parameters<typeof planHost>[1]
  const telling = { signal: new AbortController().signal, onStage: () => {} }
  expect(await planHost(LOCALHOST, wish, telling)).toMatchObject({ status: 'failed', fault: { code: 'no-privilege' } })
  expect({ asked, isClosed }).toEqual({ asked: ['root'], isClosed: true })
})
