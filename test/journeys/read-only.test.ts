import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { LOOK } from '../support/look.ts'
import { UDP_PLAYBOOK } from '../support/udp-playbook.ts'

/** Whatever only looks leaves a host as it was: rules, settings, files to the byte and the nanosecond, and processes. */

const able = canRunLab()
const HOSTS = ['web-1', 'legacy-1', 'nft-1', 'sudo-1', 'open-1']

let lab: Lab
let dir: string
let env: { readonly [name: string]: string }
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-read-only-'))
  await writeFile(join(dir, 'udp.yaml'), UDP_PLAYBOOK)
  lab = await startLab({ hosts: HOSTS })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

/** Each with the codes that it may end with here. */
const COMMANDS: readonly (readonly [words: readonly string[], codes: readonly number[]])[] = [
  [['facts'], [0]],
  [['explain'], [0]],
  [['plan'], [0]],
  [['plan', '--strategy', 'notrack', '--ports', '80'], [0]],
  [['audit'], [0, 4]],
  [['doctor'], [0, 1]],
  [['verify', 'last'], [0]],
  [['show', 'last', 'web-1'], [0]],
]

test('no command that looks changes anything, also where a change of ours stands', async () => {
  const applied = await ctfleet(
    ['apply', '--strategy', join(dir, 'udp.yaml'), '--limit', 'web-1', '--yes', '--pause', '0'],
    env,
  )
  expect(applied.code, applied.stdout + applied.stderr).toBe(0)
  const before = await atRest()
  for (const [words, codes] of COMMANDS) {
    const { code, stdout, stderr } = await ctfleet(words, env)
    expect(codes, `${words.join(' ')}: ${stdout}${stderr}`).toContain(code)
    expect(await settled(before), words.join(' ')).toEqual(before)
  }
  const { code, stdout } = await ctfleet(['rollback', 'last', '--yes'], env)
  expect(code, stdout).toBe(0)
  // It is no blind eye.
  expect(await looks()).not.toEqual(before)
})

async function looks(): Promise<readonly (readonly [name: string, look: string])[]> {
  return await Promise.all(lab.hosts.map(async (host) => [host.name, await lookAt(host)] as const))
}

/** Once nobody carries the change any more: that takes a moment longer than the word that it is kept. */
async function atRest(): ReturnType<typeof looks> {
  const isSo = async () => {
    const now = await looks()
    return now.some(([, look]) => /^sh \S+\/transaction /m.test(look)) ? undefined : now
  }
  const found = await poll(isSo, { everyMs: 300, timeoutSeconds: 30 })
  if (found === undefined) throw new Error('the change never came to rest')
  return found
}

async function lookAt(host: NamespaceHost): Promise<string> {
  const { code, stdout, stderr } = await host.exec(LOOK)
  if (code !== 0) throw new Error(`${host.name}: ${stderr}`)
  return stdout
}

/** A process of sshd takes a moment to end after its connection. */
async function settled(before: object): Promise<object> {
  let now: object = {}
  const isSo = async () => {
    now = await looks()
    return JSON.stringify(now) === JSON.stringify(before) ? true : undefined
  }
  await poll(isSo, { everyMs: 300, timeoutSeconds: 5 })
  return now
}
