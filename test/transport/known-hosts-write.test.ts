import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { findKnownKeys } from '../../src/transport/known-hosts.ts'
import { type KeyPlace, writeDownKey } from '../../src/transport/known-hosts-write.ts'

const root = mkdtempSync(join(tmpdir(), 'ctfleet-keys-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let file: string
let tests = 0
beforeEach(() => {
  file = join(root, `${tests++}`, 'ssh', 'known_hosts')
})

test('a new key is written once, into a file and a directory of this user alone', async () => {
  expect(await writeDownKey(place('web-1'), key(1))).toEqual({ verdict: 'known' })
  expect(await writeDownKey(place('web-1'), key(1))).toEqual({ verdict: 'known' })
  expect(await writeDownKey(place('WEB-2', 2222), key(1))).toEqual({ verdict: 'known' })
  expect(readFileSync(file, 'utf8')).toBe(`web-1 ${line(1)}\n[web-2]:2222 ${line(1)}\n`)
  expect([statSync(file).mode & 0o777, statSync(join(file, '..')).mode & 0o777]).toEqual([0o600, 0o700])
  expect(readdirSync(join(file, '..'))).toEqual(['known_hosts'])
})

test('a file that does not end in a line is ended first, and keeps its mode', async () => {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, `old ${line(1)}`, { mode: 0o644 })
  await writeDownKey(place('web-1'), key(2))
  expect(readFileSync(file, 'utf8')).toBe(`old ${line(1)}\nweb-1 ${line(2)}\n`)
  expect(statSync(file).mode & 0o777).toBe(0o644)
})

test('a changed key and a revoked one are never written', async () => {
  mkdirSync(join(file, '..'), { recursive: true })
  const text = `web-1 ${line(1)}\n@revoked * ${line(3)}\n`
  writeFileSync(file, text)
  expect(await writeDownKey(place('web-1'), key(2))).toMatchObject({
    verdict: 'changed',
    entry: { origin: `${file}:1` },
  })
  expect(await writeDownKey(place('web-2'), key(3))).toMatchObject({ verdict: 'revoked' })
  expect(readFileSync(file, 'utf8')).toBe(text)
  // Nor where two show themselves under one name at the same time.
  const both = await Promise.all([writeDownKey(place('web-3'), key(1)), writeDownKey(place('web-3'), key(2))])
  expect(both.map(({ verdict }) => verdict)).toEqual(['known', 'changed'])
})

test('names are hashed where the user wants that, and ssh-keygen finds them', async () => {
  await writeDownKey({ ...place('web-1', 2222), hashKnownHosts: true }, key(1))
  expect(readFileSync(file, 'utf8')).toMatch(/^\|1\|[^|]{28}\|[^|]{28} ssh-ed25519 /)
  expect((await findKnownKeys([file], { address: 'web-1', port: 2222 })).own).toHaveLength(1)
  const found = spawnSync('ssh-keygen', ['-F', '[web-1]:2222', '-f', file], { encoding: 'utf8' })
  if (found.error === undefined) expect(found.stdout).toContain(line(1))
})

test('a link is followed, and the lock stands where the file is', async () => {
  const real = join(root, `real-${tests}`)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(real, '')
  symlinkSync(real, file)
  await writeDownKey(place('web-1'), key(1))
  expect(readFileSync(real, 'utf8')).toBe(`web-1 ${line(1)}\n`)
})

test('what cannot be written is said, not thrown', async () => {
  expect(await writeDownKey({ ...place('web-1'), knownHostsFiles: ['/dev/null'] }, key(1))).toMatchObject({
    why: 'keeps nothing',
  })
  writeFileSync(join(root, 'plain'), '')
  const below = join(root, 'plain', 'known_hosts')
  expect(await writeDownKey({ ...place('web-1'), knownHostsFiles: [below] }, key(1))).toMatchObject({
    verdict: 'unwritten',
    file: below,
  })
})

test('a lock of one that died is broken', async () => {
  mkdirSync(join(file, '..'), { recursive: true })
  const dead = spawnSync('true').pid
  writeFileSync(`${file}.ctfleet-lock`, `${dead} ${hostname()} x\n`)
  expect(await writeDownKey(place('web-1'), key(1))).toEqual({ verdict: 'known' })
  expect(existsSync(`${file}.ctfleet-lock`)).toBe(false)
})

test('several programs at once lose nothing and write nothing twice', async () => {
  const [programs, hosts] = [4, 40]
  const script = `
    const { writeDownKey } = await import(${JSON.stringify(resolve('src/transport/known-hosts-write.ts'))})
    const key = (n) => Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, n)])
    const all = Array.from({ length: ${hosts} }, (_, at) => writeDownKey({ address: 'web-' + at, port: 22, knownHostsFiles: [process.argv[1]] }, key(at)))
    const said = new Set((await Promise.all(all)).map(({ verdict }) => verdict))
    if (said.size !== 1 || !said.has('known')) { console.error([...said]); process.exit(1) }
  `
  const codes = await Promise.all(
    Array.from({ length: programs }, async () => {
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, file], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      return await new Promise((ended) => child.once('close', ended))
    }),
  )
  expect(codes).toEqual(Array.from({ length: programs }, () => 0))
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(lines.toSorted()).toEqual(Array.from({ length: hosts }, (_, at) => `web-${at} ${line(at)}`).toSorted())
  expect(readdirSync(join(file, '..'))).toEqual(['known_hosts'])
}, 30_000)

function place(address: string, port = 22): KeyPlace {
  return { address, port, knownHostsFiles: [file] }
}

/** As it comes over the wire. */
function key(byte: number): Buffer {
  return Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32]),
    Buffer.alloc(32, byte),
  ])
}

function line(byte: number): string {
  return `ssh-ed25519 ${key(byte).toString('base64')}`
}
