import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'
import { putProgram } from '../support/program.ts'
import { canOpenScreen, openScreen } from '../support/tmux.ts'

/** A first run: nothing is known of a host, nor of the one in front of it, but of one somebody has told another key. */

const able = canRunLab()

let lab: Lab
let dir: string
let env: { readonly [name: string]: string }
const known = () => join(dir, 'ssh', 'known_hosts')
/** Not the machine's own ssh_config, by which names may be hashed. */
const way = () => ['--ssh-config', join(dir, 'ssh_config')]

beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  lab = await startLab({ hosts: ['web-1', 'changedkey-1'], behind: ['bastion-1'] })
  const given = [join(lab.dir, 'inventory.yaml'), join(lab.dir, 'ssh_config')]
  const [inventory = '', config = ''] = await Promise.all(given.map(async (path) => await readFile(path, 'utf8')))
  const ours = (text: string) =>
    text
      .replaceAll(join(lab.dir, 'known_hosts'), known())
      .replaceAll(join(lab.dir, 'ssh_config'), join(dir, 'ssh_config'))
  await writeFile(join(dir, 'inventory.yaml'), ours(inventory))
  await writeFile(join(dir, 'ssh_config'), ours(config))
  env = { HOME: dir, CTFLEET_INVENTORY: join(dir, 'inventory.yaml'), CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('keys are shown with their fingerprints, and nothing is written without a yes', async () => {
  const said = await ctfleet(['keys', ...way(), '--limit', 'bastion-1'], env)
  expect(said.code, said.stderr).toBe(0)
  expect(said.stdout).toMatch(new RegExp(`bastion-1 .*\\n.*ssh-ed25519 +${escaped(fingerprintOf('bastion-1'))} new`))
  expect(said.stderr).toMatch(
    /Nothing was written\. To write all of these down: ctfleet keys .*--limit bastion-1 .*--yes/,
  )
  expect(existsSync(known())).toBe(false)
})

test('what stands behind a host is asked once that one is known, and a changed key is never written', async () => {
  const changed = await changedLine()
  const first = await ctfleet(['keys', ...way(), '--yes', '--limit', 'bastion-1'], env)
  expect(first.code, first.stderr).toBe(0)
  await writeFile(known(), `${await readFile(known(), 'utf8')}${changed}\n`)

  const said = await ctfleet(['keys', ...way(), '--yes', '--format', 'json'], env)
  const hosts = hostsIn(said)
  expect(hosts.map(({ host, decision }) => [host, decision])).toEqual([
    ['bastion-1', 'nothing-new'],
    ['web-1', 'written'],
    ['changedkey-1', 'withheld'],
  ])
  expect(said.code).toBe(1)
  expect(keyOf(hosts, 'web-1')).toMatchObject({ standing: 'new', fingerprint: fingerprintOf('web-1') })
  expect(keyOf(hosts, 'changedkey-1')).toMatchObject({
    standing: 'changed',
    origin: expect.stringMatching(/known_hosts:\d+$/),
  })
  const lines = (await readFile(known(), 'utf8')).trimEnd().split('\n')
  expect(lines.filter((line) => line.startsWith(lab.host('web-1').address))).toHaveLength(1)
  expect(lines.filter((line) => line === changed)).toHaveLength(1)
  expect(lines.filter((line) => line.startsWith(lab.host('changedkey-1').address))).toEqual([])

  const facts = await ctfleet(['facts', ...way(), '--limit', 'web-1'], env)
  expect(facts.code, facts.stderr).toBe(0)
})

test.skipIf(!canOpenScreen().ok)(
  'a person is asked for each host, with its fingerprints, and only a yes is written',
  async () => {
    await rm(known(), { force: true })
    await putProgram(dir)
    await using screen = await openScreen({ dir, columns: 100 }, env)
    await screen.type(`ctfleet keys ${way().join(' ')} --limit bastion-1,web-1; echo "ended with $?"`)
    const asked = await screen.until(/bastion-1: write down .*\?.*\(ynsfaqH\)/s)
    expect(asked).toContain(fingerprintOf('bastion-1'))
    await screen.type('y')
    // The host behind it is asked only now: its keys come by way of the one that was just said yes to.
    await screen.until(/web-1: write down .*\?.*\(ynsfaqH\)/s)
    await screen.type('n')
    const ended = await screen.until(/ended with \d/)
    expect(ended).toMatch(/bastion-1: written to \S+known_hosts[\s\S]*web-1: declined[\s\S]*ended with 0/)
    const names = new Set(
      (await readFile(known(), 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    )
    expect(names).toEqual(new Set([lab.host('bastion-1').address]))
  },
)

test('--accept-new takes keys that nobody knows, says so, and takes no changed one', async () => {
  await writeFile(known(), `${await changedLine()}\n`)
  const said = await ctfleet(['facts', ...way(), '--accept-new', '--format', 'json'], env)
  expect(said.code).toBe(1)
  const ended = Object.fromEntries(hostsIn(said).map(({ host, status, fault }) => [host, fault?.code ?? status]))
  expect(ended).toEqual({ 'bastion-1': 'read', 'web-1': 'read', 'changedkey-1': 'host-key-changed' })
  expect(said.stderr).toMatch(new RegExp(`web-1: took its new host key ssh-ed25519 ${escaped(fingerprintOf('web-1'))}`))
  const names = (await readFile(known(), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[0])
  expect(new Set(names.slice(1))).toEqual(new Set([lab.host('bastion-1').address, lab.host('web-1').address]))
  expect(names).toHaveLength(3)
})

type Ended = {
  readonly host: string
  readonly status: string
  readonly decision?: string
  readonly fault?: { readonly code: string } | null
  readonly keys?: readonly { readonly type: string; readonly fingerprint: string; readonly standing: string }[]
}

function hostsIn({ stdout, stderr }: Said): readonly Ended[] {
  expect(stdout, stderr).toMatch(/^\{/)
  return (JSON.parse(stdout) as { hosts: readonly Ended[] }).hosts
}

function keyOf(hosts: readonly Ended[], name: string) {
  return hosts.find(({ host }) => host === name)?.keys?.find(({ type }) => type === 'ssh-ed25519')
}

/** What the lab's known_hosts says of the host that has another key by now. */
async function changedLine(): Promise<string> {
  const lines = (await readFile(join(lab.dir, 'known_hosts'), 'utf8')).split('\n')
  return lines.find((line) => line.startsWith('changedkey-1,')) ?? ''
}

function fingerprintOf(name: string): string {
  const lines = execFileSync('ssh-keygen', ['-lF', name, '-f', join(lab.dir, 'known_hosts')], { encoding: 'utf8' })
  return /SHA256:\S+/.exec(lines)?.[0] ?? 'none'
}

function escaped(text: string): string {
  return text.replaceAll(/[+/]/g, '\\$&')
}
