import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blocksOf } from '../docs/pages.ts'
import { must, run } from '../lab/command.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { packed } from '../support/working-copy.ts'

/** The example program of docs/library.md, against the package as npm would install it, on real hosts. */

const able = canRunLab()
const OPTIONS = {
  ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
  ...{ target: 'es2022', module: 'nodenext', types: ['node'], lib: ['es2023', 'esnext.disposable'] },
}
let dir: string
let files: readonly string[]
let lab: Lab
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-library-'))
  files = await packed(dir)
  copyFileSync('docs/examples/relieve.ts', join(dir, 'relieve.ts'))
  writeFileSync(join(dir, 'package.json'), '{ "type": "module", "private": true }\n')
  if (able.ok) lab = await startLab({ hosts: ['web-1', 'healthy-1', 'dead-1'] })
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})

test('the package holds what it needs, and nothing of ours besides', () => {
  expect(files).toEqual(
    expect.arrayContaining([
      'dist/cli.js',
      'dist/index.js',
      'dist/index.d.ts',
      'playbooks/tune.yaml',
      'schemas/plan.json',
      'inventory.example.yaml',
      'policy.example.yaml',
      'LICENSE',
      'README.md',
      // README's picture and links.
      'docs/plan.svg',
      'docs/safety.md',
    ]),
  )
  expect(files.filter((file) => /^(?:src|test|node_modules)\/|\.test\./.test(file))).toEqual([])
})

test('the example is sound by the types of the package, and compiles; without an approval it would not', async () => {
  expect(await tsc('relieve.ts')).toMatchObject({ code: 0, stdout: '' })
  writeFileSync(join(dir, 'wrong.ts'), "import { apply } from 'ctfleet'\nawait apply({ inventory: 'x' })\n")
  expect((await tsc('wrong.ts')).stdout).toMatch(/wrong\.ts\(2,13\): error TS2345: .*\n.*approve/)
})

test('what docs/library.md begins with is sound by them, too', async () => {
  const [block] = blocksOf('docs/library.md').filter(({ language }) => language === 'ts')
  writeFileSync(join(dir, 'page.ts'), block?.text ?? 'missing')
  expect(await tsc('page.ts')).toMatchObject({ code: 0, stdout: '' })
})

test('what docs/library.md says makes a program that runs: the package, the type, the compiler', async () => {
  const block = blocksOf('docs/library.md').find(({ language }) => language === 'sh')?.text ?? ''
  expect(block.split('\n')).toEqual(
    expect.arrayContaining([
      'npm install ../ctfleet/ctfleet-0.1.0.tgz',
      'npm install --save-dev typescript @types/node',
      'node relieve.js inventory.yaml web',
    ]),
  )
  expect(files).toContain('package.json')
  // What npm would fetch is there already, and what it packed is installed.
  const typed = block
    .replace('(cd ctfleet && npm pack)\n', '')
    .replace(/^npm install (?!--).*$/m, () => 'ln -s "$2" node_modules')
    .replace(/^npm install --.*\n/m, '')
  const desk = join(dir, 'desk')
  mkdirSync(join(desk, 'ctfleet/docs'), { recursive: true })
  symlinkSync(resolve('node_modules/.bin'), join(dir, 'node_modules/.bin'))
  symlinkSync(resolve('docs/examples'), join(desk, 'ctfleet/docs/examples'))
  const env = { ...process.env, npm_config_offline: 'true' }
  const said = await run(['sh', '-ec', `cd "$1"; ${typed}`, 'sh', desk, join(dir, 'node_modules')], {
    env,
    timeoutSeconds: 120,
  })
  // It came as far as to its own words: there is no such inventory.
  expect(said.stderr, said.stdout).toContain('inventory.yaml')
  expect(said.stdout).not.toContain('error TS')
  expect(said.code, said.stderr).toBe(2)
})

test('it relieves the host that its rule is about, tells of the others, and the command line takes it back', async (context) => {
  if (!able.ok) return context.skip(able.why)
  const web = lab.host('web-1')
  const before = await web.dump()
  await web.fill({ percent: 95, port: 443 })
  const env = { ...process.env, CTFLEET_STATE: join(dir, 'state') }
  const said = await run(['node', join(dir, 'relieve.js'), lab.inventoryPath], { env, timeoutSeconds: 120 })
  expect(said.code, said.stderr).toBe(0)
  const [, id = ''] = /to take it back: ctfleet rollback (\S+)$/m.exec(said.stdout) ?? []
  expect(said.stdout).toMatch(/^web-1: critical: table 95 % full/m)
  expect(said.stdout).toMatch(/^dead-1: unreachable$/m)
  expect(said.stdout).toMatch(/^web-1: notrack, \d+ changes: yes$/m)
  expect(said.stdout).toContain('planning: {')
  expect(said.stdout).toMatch(/^applying: \{"applied":1\}$/m)
  expect(said.stdout).toMatch(/^web-1: applied\n/m)
  expect(said.stdout).toMatch(/^dead-1: unreachable: .+$/m)
  expect(said.stdout).toMatch(/^healthy-1: healthy$/m)

  const cli = join(dir, 'node_modules/ctfleet/dist/cli.js')
  const shown = await must(['node', cli, 'show', id], { env })
  expect(shown).toMatch(/Approved by \S+ by a program/)
  await must(['node', cli, 'rollback', id, '--yes'], { env, timeoutSeconds: 120 })
  expect(await web.dump()).toBe(before)
})

test('mistakes in the inventory end it with all of them, and contact nobody', async () => {
  writeFileSync(join(dir, 'wrong.yaml'), 'all:\n  hosts:\n    web-1: { ansible_port: ssh }\n')
  const said = await run(['node', join(dir, 'relieve.js'), join(dir, 'wrong.yaml')])
  expect(said).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/wrong\.yaml:3: .*ssh/) })
})

async function tsc(file: string) {
  // Not as tsconfig.json: of one in a directory above it a compiler that is given files complains.
  const project = join(dir, 'project.json')
  writeFileSync(project, JSON.stringify({ compilerOptions: OPTIONS, files: [file] }))
  return await run(['node', 'node_modules/typescript/bin/tsc', '-p', project], { timeoutSeconds: 120 })
}
