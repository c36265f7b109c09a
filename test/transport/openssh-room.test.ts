import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

// With mounts of its own, which end with it.
const UNSHARE = ['unshare', '--user', '--map-root-user', '--mount', '--']

let directory: string
beforeAll(() => {
  // Not within /tmp, which is mounted over.
  directory = mkdtempSync('/var/tmp/ctf-room-')
  for (const each of ['runs', 'barren']) mkdirSync(join(directory, each))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))
beforeEach((ctx) => {
  const [program = '', ...words] = UNSHARE
  const mounts = spawnSync(program, [
    ...words,
    'mount',
    '-t',
    'tmpfs',
    '-o',
    'noexec',
    'tmpfs',
    join(directory, 'barren'),
  ])
  if (mounts.status !== 0) ctx.skip('needs unshare, and leave to mount in a namespace of its own')
})

test('where ssh could not run our askpass, the room is made elsewhere, and only where it is needed', () => {
  const [barren, runs] = [join(directory, 'barren'), join(directory, 'runs')]
  expect(roomWith({ canAnswer: true, barren: [barren, '/tmp'], runs })).toContain(join(runs, 'ctf-'))
  expect(roomWith({ canAnswer: false, barren: [barren], runs })).toContain(join(barren, 'ctf-'))
})

test('where nothing runs programs, it is said which variable names a directory that does', () => {
  const barren = join(directory, 'barren')
  const told = roomWith({ canAnswer: true, barren: [barren, '/tmp', '/var/tmp'], runs: '', HOME: barren })
  expect(told).toMatch(
    /^it asks for secrets by a program of ours, and .*barren, \/tmp, .* runs none \(noexec\): set TMPDIR/,
  )
})

/** The directory of a room that is made where some file systems run no programs, or why there is none. */
function roomWith(at: { canAnswer: boolean; barren: readonly string[]; runs: string; HOME?: string }): string {
  const [program = '', ...words] = UNSHARE
  const mounts = at.barren.map((each) => `mount -t tmpfs -o noexec tmpfs '${each}'`)
  const means = JSON.stringify({ canAnswer: at.canAnswer, overStdio: true, tellsKey: true, patience: {} })
  const script = `
    import { makeRoom } from '/mnt/src/transport/openssh-room.ts'
    import { PATIENCE } from '/mnt/src/transport/tcp.ts'
    const way = { address: 'db-1', port: 22, user: 'o', identityFiles: [], knownHostsFiles: [] }
    const made = await makeRoom(way, { ...${means}, patience: PATIENCE }, undefined).catch((error) => error)
    console.log(made.directory ?? made.message)
    await made.tidy?.()`
  // This project may itself be in one of those that are mounted over.
  const run = `mount --bind "$PWD" /mnt && cd /mnt && ${mounts.join(' && ')} && exec "$0" --import tsx --input-type=module`
  return execFileSync(program, [...words, 'sh', '-c', run, process.execPath], {
    input: script,
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: at.barren[0], XDG_RUNTIME_DIR: at.runs, HOME: at.HOME ?? process.env.HOME },
  }).trim()
}
