import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { placesOf } from '../../src/serve/places.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ctfleet-places-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const USER = { config: 'home/ops/.config' }
const runners = () => [placesOf(root, null).runner, placesOf(root, USER).runner]

test('a directory for tables of cron is no cron: packages bring it along where none is', () => {
  mkdirSync(join(root, 'etc/cron.d'), { recursive: true })
  expect(runners()).toEqual(['none', 'none'])
})

test.each(['usr/sbin/cron', 'usr/sbin/crond', 'usr/bin/crond', 'sbin/crond'])('cron is where %s is', (program) => {
  mkdirSync(join(root, 'etc/cron.d'), { recursive: true })
  put(program)
  expect(runners()).toEqual(['cron', 'cron'])
})

test('the cron of BusyBox reads the tables of users alone', () => {
  mkdirSync(join(root, 'etc/cron.d'), { recursive: true })
  mkdirSync(join(root, 'usr/sbin'), { recursive: true })
  symlinkSync('/bin/busybox', join(root, 'usr/sbin/crond'))
  expect(runners()).toEqual(['busybox', 'cron'])
})

test('systemd is taken where it runs, cron or not', () => {
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true })
  put('usr/sbin/cron')
  expect(runners()).toEqual(['systemd', 'systemd'])
})

function put(program: string): void {
  mkdirSync(dirname(join(root, program)), { recursive: true })
  writeFileSync(join(root, program), '', { mode: 0o755 })
}
