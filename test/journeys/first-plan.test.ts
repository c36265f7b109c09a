import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blocksOf, pageText } from '../docs/pages.ts'
import { must, run } from '../lab/command.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { workingCopy } from '../support/working-copy.ts'

/** From a clean clone to a first real plan: the commands of README, as they stand there, by somebody who has a way in by ssh. */

const able = canRunLab()
const HEADING = '## A first plan in five commands'
let dir: string
let lab: Lab
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-first-plan-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1'] })
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})

test('five commands lead from nothing to a plan of a host whose table is full', {
  timeout: 500_000,
}, async (context) => {
  const commands = firstBlock()
    .split('\n')
    .filter((line) => line !== '')
  expect(commands.length).toBeLessThanOrEqual(5)
  if (!able.ok) return context.skip(able.why)
  const web = lab.host('web-1')
  await web.fill({ percent: 95, port: 443 })
  const before = await web.dump()

  const source = join(dir, 'source')
  await workingCopy(source)
  const git = ['git', '-C', source, '-c', 'user.name=a', '-c', 'user.email=a@b.invalid']
  await must(['git', 'init', '-q', source])
  await must([...git, 'add', '--all'])
  await must([...git, 'commit', '-q', '-m', 'all'])
  const script = commands.join('\n').replace('<this repository>', source)
  expect(script).not.toContain('<')

  const env = { ...process.env, ...wayIn(), CTFLEET_INVENTORY: '', npm_config_prefer_offline: 'true' }
  const work = join(dir, 'work')
  mkdirSync(work)
  const said = await run(['sh', '-c', `cd "$1" && set -ex\n${script}`, 'sh', work], { env, timeoutSeconds: 400 })
  if (/npm error code E(?:NOTFOUND|AI_AGAIN|CONNREFUSED|TIMEDOUT)/.test(said.stderr)) {
    return context.skip('npm reaches no registry from here')
  }
  expect(said.code, said.stderr).toBe(0)
  expect(said.stdout).toMatch(/^web-1: planned, notrack$/m)
  expect(said.stdout).toContain('table 95 % full')
  expect(said.stderr).toMatch(/Nothing was changed\. Next: ctfleet apply web-1, --user root/)
  expect(await web.dump()).toBe(before)
})

function firstBlock(): string {
  const start = pageText('README.md').slice(0, pageText('README.md').indexOf(HEADING)).split('\n').length
  return blocksOf('README.md').find(({ line, language }) => language === 'sh' && line > start)?.text ?? ''
}

/** A home in which `ssh root@web-1` works. */
function wayIn(): { readonly [name: string]: string } {
  const home = join(dir, 'home')
  mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 })
  for (const name of ['id_ed25519', 'known_hosts']) copyFileSync(join(lab.dir, name), join(home, '.ssh', name))
  const { address, port } = lab.host('web-1')
  writeFileSync(join(home, '.ssh', 'config'), `Host web-1\n  HostName ${address}\n  Port ${port}\n`)
  const cache = process.env.npm_config_cache ?? join(process.env.HOME ?? '/root', '.npm')
  const registry = process.env.npm_config_userconfig ?? join(process.env.HOME ?? '/root', '.npmrc')
  return { HOME: home, CTFLEET_STATE: join(dir, 'state'), npm_config_cache: cache, npm_config_userconfig: registry }
}
