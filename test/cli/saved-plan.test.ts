import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeSavedPlan } from '../../src/cli/saved-plan.ts'
import { checkWritable, writeWhole } from '../../src/cli/whole-file.ts'
import { planDocument } from '../../src/plan/document.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-saved-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const PLAN = planDocument('inventory.yaml', '2026-11-26T09:42:00.000Z', [])

test('a plan is for its owner alone, replaces an older one whole, and leaves nothing beside it', async () => {
  const path = join(dir, 'plan.json')
  writeFileSync(path, 'x'.repeat(100_000))
  await writeSavedPlan(path, PLAN)
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ inventory: 'inventory.yaml' })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(dir)).toEqual(['plan.json'])
})

test('a pipe is written to and stays a pipe: /dev/stdout would be gone from the machine else', async () => {
  const path = join(dir, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = spawn('cat', [path])
  const [read] = await Promise.all([text(reader.stdout), writeSavedPlan(path, PLAN)])
  expect(JSON.parse(read)).toMatchObject({ inventory: 'inventory.yaml' })
  expect(lstatSync(path).isFIFO()).toBe(true)
})

test('a link is written through, and stays one', async () => {
  const [target, path] = [join(dir, 'target'), join(dir, 'link')]
  writeFileSync(target, '')
  symlinkSync(target, path)
  await writeSavedPlan(path, PLAN)
  expect(lstatSync(path).isSymbolicLink()).toBe(true)
  expect(JSON.parse(readFileSync(target, 'utf8'))).toMatchObject({ inventory: 'inventory.yaml' })
})

test.each([
  ['made private', 0o600],
  ['shared', 0o664],
])('a report that somebody %s stays so when it is written anew', async (_, mode) => {
  const path = join(dir, 'report.html')
  writeFileSync(path, 'old')
  chmodSync(path, mode)
  await writeWhole(path, 'new', 0o666)
  expect(readFileSync(path, 'utf8')).toBe('new')
  expect(statSync(path).mode & 0o777).toBe(mode)
})

test('of what is replaced its directory tells whether it can be written, of what is not it does itself', async () => {
  await checkWritable(join(dir, 'new.json'))
  await expect(checkWritable(dir)).rejects.toThrow('it is a directory')
  await expect(checkWritable(join(dir, 'no', 'such.json'))).rejects.toThrow('name a file in a directory of yours')
})

test('somebody who is not root may name a pipe, or /dev/stdout, in a directory that is not theirs', (ctx) => {
  const module = join(import.meta.dirname, '../../src/cli/whole-file.ts')
  const as = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  ctx.skip(spawnSync('test', ['-r', module], as).status !== 0, 'the sources are readable for root alone')
  const shut = join(dir, 'shut')
  mkdirSync(shut)
  execFileSync('mkfifo', ['-m', '666', join(shut, 'pipe')])
  writeFileSync(join(shut, 'file'), '', { mode: 0o666 })
  chmodSync(dir, 0o777)
  chmodSync(shut, 0o555)
  const said = execFileSync(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', CHECK],
    {
      ...as,
      encoding: 'utf8',
      env: { TMPDIR: dir, MODULE: module, PATHS: ['pipe', 'file', 'new'].map((name) => join(shut, name)).join(':') },
    },
  )
  expect(JSON.parse(said)).toEqual(['', expect.stringContaining('denied'), expect.stringContaining('denied'), ''])
})

const CHECK = `
  const { checkWritable } = await import(process.env.MODULE)
  const told = []
  for (const path of [...process.env.PATHS.split(':'), '/dev/stdout'])
    told.push(await checkWritable(path).then(() => '', (error) => error.message))
  console.log(JSON.stringify(told))
`
