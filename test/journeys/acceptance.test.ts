import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'
import { programWords } from '../support/program.ts'
import { canOpenScreen, openScreen } from '../support/tmux.ts'

/** Where sessions would not live through a rollback the plan says so and why, and a person has to accept it. */

const able = canRunLab()
const NOTRACK = ['--strategy', 'notrack', '--ports', '80', '--limit', 'web-1']
const NEW_WITHOUT_SYN = '-p tcp ! --syn -m conntrack --ctstate NEW -j DROP'
const LOOSE = '/proc/sys/net/netfilter/nf_conntrack_tcp_loose'

let dir: string
let lab: Lab
let web: LabHost
let env: { readonly [name: string]: string }
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-acceptance-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1'] })
  web = lab.host('web-1')
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('a rule against new connections without SYN is named, and yes alone does not change the host', async () => {
  await using _rule = await setting(`iptables -I INPUT ${NEW_WITHOUT_SYN}`, `iptables -D INPUT ${NEW_WITHOUT_SYN}`)
  const before = await web.dump()
  const planned = await ctfleet(['plan', ...NOTRACK], env)
  expect(flowing(planned.stdout)).toMatch(
    /May break when it is taken back, and has to be accepted - tcp port 80: sessions .* may not survive it: filter: -A INPUT -p tcp .*--ctstate NEW -j DROP/,
  )
  const said = await ctfleet(['apply', ...NOTRACK, '--yes'], env)
  expect(said.code, said.stderr).toBe(1)
  expect(flowing(said.stdout)).toMatch(
    /web-1 skipped .* --ctstate NEW -j DROP\)\. To apply it all the same: --accept-session-loss/,
  )
  expect(await web.dump()).toBe(before)
})

test('a saved plan is not applied either, until what it may cost is accepted', async () => {
  await using _strict = await setting(`echo 0 > ${LOOSE}`, `echo 1 > ${LOOSE}`)
  const before = await web.dump()
  const file = join(dir, 'plan.json')
  await ctfleet(['plan', ...NOTRACK, '-o', file], env)
  expect(hostsIn(await ctfleet(['apply', file, '--yes', '--format', 'json'], env))).toMatchObject([
    {
      host: 'web-1',
      status: 'skipped',
      why: expect.stringMatching(/tcp_loose is 0: .* To apply it all the same: --accept-session-loss$/),
      sessionLoss: [expect.stringContaining('tcp_loose is 0')],
    },
  ])
  expect(await web.dump()).toBe(before)

  const said = await ctfleet(['apply', file, '--yes', '--accept-session-loss', '--format', 'json'], env)
  expect(hostsIn(said), said.stderr).toMatchObject([{ status: 'applied' }])
  const back = await ctfleet(['rollback', 'last', '--yes', '--format', 'json'], env)
  expect(hostsIn(back), back.stderr).toMatchObject([{ status: 'rolled-back' }])
  expect(await web.dump()).toBe(before)
})

test('at a terminal it is a question of its own, whose answer is no unless it is a yes', async (context) => {
  const terminal = canOpenScreen()
  if (!terminal.ok) return context.skip(terminal.why)
  await using _strict = await setting(`echo 0 > ${LOOSE}`, `echo 1 > ${LOOSE}`)
  const before = await web.dump()
  await writeFile(join(dir, 'ctfleet'), `#!/bin/sh\nexec ${CTFLEET} "$@"\n`, { mode: 0o755 })
  await using screen = await openScreen({ dir, columns: 80 }, env)
  const askedTwice = async () => {
    await screen.clear()
    await screen.type(`ctfleet apply ${NOTRACK.join(' ')}; echo "ended with $?"`)
    await screen.until(/Go ahead\?|ended with \d/)
    await screen.press('a')
    await screen.press('Enter')
    const asked = await screen.until(/Apply all the same\?|ended with \d/)
    expect(flowing(asked)).toMatch(
      /- tcp_loose is 0: .* not survive it \? web-1: sessions may break when it is taken back\. Apply all the same\?/,
    )
  }

  await askedTwice()
  await screen.press('Enter')
  const declined = flowing(await screen.until(/ended with \d/))
  expect(declined).toMatch(/web-1 declined .*not accepted: sessions may break .* 1 host: 1 declined ended with 0/)
  expect(await web.dump()).toBe(before)

  await askedTwice()
  await screen.press('y')
  await screen.press('Enter')
  expect(flowing(await screen.until(/ended with \d/))).toMatch(/1 host: 1 applied .*ended with 0/)
  const back = await ctfleet(['rollback', 'last', '--yes', '--format', 'json'], env)
  expect(hostsIn(back), back.stderr).toMatchObject([{ status: 'rolled-back' }])
  expect(await web.dump()).toBe(before)
})

const CTFLEET = programWords().join(' ')

/** Something that is so on the host until it is let go. */
async function setting(there: string, back: string): Promise<AsyncDisposable> {
  const run = async (command: string) => {
    const { code, stderr } = await web.exec(command)
    if (code !== 0) throw new Error(`${command}: ${stderr}`)
  }
  await run(there)
  return { [Symbol.asyncDispose]: async () => await run(back) }
}

function hostsIn({ stdout }: Said): readonly unknown[] {
  return JSON.parse(stdout).hosts
}

/** Text that was broken into lines, as one line. */
function flowing(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}
