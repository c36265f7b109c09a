import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { approvedScript } from '../../src/shell/script.ts'
import type { Session } from '../../src/transport/transport.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { inventoryHost, opened } from '../support/lab-host.ts'
import { LEGACY_CASES, NATIVE_CASES, OPEN_CASES, WEB_CASES } from '../support/step-cases.ts'
import { type Ground, holdsTheLaws } from '../support/step-laws.ts'

/** Every step kind keeps every law on a real host; those that need a kernel of their own do so in a virtual machine. */
const able = canRunLab()
const SHELLS = { 'over ssh': null, bash: ['bash', '--posix'], busybox: ['busybox', 'sh'] } as const

let lab: Lab
beforeAll(async () => {
  if (able.ok) lab = await startLab({ hosts: ['web-1', 'legacy-1', 'native-1', 'open-1'] })
}, 120_000)
afterAll(async () => await lab?.down())

beforeEach((ctx) => {
  if (!able.ok) ctx.skip(able.why)
})

describe.each(Object.entries(SHELLS))('in the shell %s', (_name, shell) => {
  describe.each([
    ['web-1', WEB_CASES],
    ['legacy-1', LEGACY_CASES],
    ['native-1', NATIVE_CASES],
    ['open-1', OPEN_CASES],
  ] as const)('on %s', (name, cases) => {
    let session: Session
    beforeAll(async () => {
      if (able.ok) session = await opened(inventoryHost(lab.dir, lab.host(name)))
    })
    afterAll(async () => await session?.[Symbol.asyncDispose]())

    test.each(cases.map((each) => [each.name, each] as const))('%s', { timeout: 60_000 }, async (_title, given) => {
      const host = lab.host(name)
      const ground: Ground = {
        thorough: shell === null,
        dump: () => host.dump(),
        async run(text) {
          if (shell !== null) return await host.exec([...shell, '-c', text])
          const outcome = await session.run(approvedScript(text), { as: 'root', timeoutMs: 30_000 })
          if (!('type' in outcome) || outcome.type !== 'exited') throw new Error(JSON.stringify(outcome))
          return outcome
        },
      }
      const before = await host.dump()
      await holdsTheLaws(ground, given)
      if (given.tidy !== undefined) await host.exec(given.tidy)
      expect(await host.dump()).toBe(before)
    })
  })
})
