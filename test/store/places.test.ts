import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { databaseStore } from '../../src/store/database.ts'
import { historyDatabase } from '../../src/store/history-database.ts'
import { programWords } from '../support/program.ts'
import { anAudit, aSample } from './audit-on-record.ts'
import { sealedRun } from './sealed-run.ts'

// A full or read-only disk is a mount of our own, in a mount namespace that ends with the program in it.
const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0
const why = canMount ? '' : ' (skipped: needs the right to mount)'

describe.skipIf(!canMount)(`where the record cannot be written${why}`, () => {
  const [node, program] = programWords()
  let state: string

  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
  })
  afterEach(() => rmSync(state, { recursive: true, force: true }))

  test('on a full disk what was kept stays, the rest says so, and there is more once there is room', () => {
    const ran = inMounts(
      'mount -t tmpfs -o size=1m none "$1"',
      'head -c 700000 /dev/zero > "$1/ballast"',
      '"$node" --import tsx test/support/store-in-child.ts "$1" first 1000 > "$1/said" 2> /dev/null',
      'echo "first exit $? kept $(grep -c . "$1/said")"',
      '"$node" "$2" runs --format json | grep -c \'"host": "host-\'',
      'rm "$1/ballast"',
      '"$node" --import tsx test/support/store-in-child.ts "$1" second 3 | grep -c .',
    )
    const [, kept = '', listed = '', more] = /kept (\d+)\n(\d+)\n(\d+)\n$/.exec(ran.stdout) ?? []
    expect(ran.stdout).toContain('first exit 1')
    expect(Number(kept)).toBeGreaterThan(0)
    expect(Number(listed)).toBe(Number(kept))
    expect(more).toBe('3')
  })

  test('on a full disk the audits that were kept stay, whole, and there are more once there is room', () => {
    const ran = inMounts(
      'mount -t tmpfs -o size=1m none "$1"',
      'head -c 600000 /dev/zero > "$1/ballast"',
      '"$node" --import tsx test/support/audits-in-child.ts "$1" 1000 > "$1/said" 2> /dev/null',
      'echo "first exit $? kept $(grep -c . "$1/said")"',
      '"$node" "$2" runs --audits --format json | grep -c \'"id": "audit-\'',
      '"$node" "$2" trend host-7 --format json | grep \'"readings": \'',
      'rm "$1/ballast" "$1/ctfleet.db"',
      '"$node" --import tsx test/support/audits-in-child.ts "$1" 3 | grep -c .',
    )
    const [, kept = '', listed = '', readings = '', more] =
      /kept (\d+)\n(\d+)\n\s*"readings": (\d+),\n(\d+)\n$/.exec(ran.stdout) ?? []
    expect(ran.stdout).toContain('first exit 1')
    expect(Number(kept)).toBeGreaterThan(0)
    expect([listed, readings]).toEqual([kept, kept])
    expect(more).toBe('3')
  })

  test('where a disk is read-only the record can be read, and whoever would change hosts hears why he cannot', async () => {
    await databaseStore(state, () => {}).save(sealedRun({ results: [] }))
    const ran = inMounts(
      'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
      '"$node" "$2" runs',
      'echo "exit $?"',
      '"$node" "$2" rollback last --yes',
      'echo "exit $?"',
    )
    expect(ran.stdout).toMatch(/^20261126-0942-7f3a .*\n.*exit 0\nexit 2\n$/s)
    expect(ran.stderr).toMatch(
      /^CTFLEET_STATE: the records of runs cannot be kept or read there: .*ctfleet\.db.*readonly/,
    )
    expect(ran.stderr).toContain('set CTFLEET_STATE to a directory that you may write to')
  })

  test('where a disk is read-only audits and readings can be read, and what is to be kept is not, for a reason', async () => {
    const history = historyDatabase(state, () => {})
    await history.keepAudit(anAudit(), [aSample(new Date().toISOString())])
    const ran = inMounts(
      'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
      '"$node" "$2" runs --audits',
      '"$node" "$2" trend',
      '"$node" "$2" show --audit last > /dev/null',
      'echo "exit $?"',
      '"$node" "$2" history sweep',
      'echo "exit $?"',
    )
    expect(ran.stdout).toMatch(/^20261126-0942-7f3a .*\nweb-1 .*\nexit 0\nexit 2\n$/s)
    expect(ran.stderr).toMatch(/^CTFLEET_STATE: the records of runs cannot be kept .*readonly/)
  })

  test('where it is damaged too, both are said', () => {
    writeFileSync(join(state, 'ctfleet.db'), 'garbage'.repeat(1000))
    const ran = inMounts(
      'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
      '"$node" "$2" runs',
      'echo "exit $?"',
    )
    expect(ran.stdout).toBe('exit 2\n')
    expect(ran.stderr).toMatch(/ctfleet\.db is damaged \(.+\) and could not be set aside: EROFS/)
    expect(readFileSync(join(state, 'ctfleet.db'), 'utf8')).toBe('garbage'.repeat(1000))
  })

  test('a read-only place without a record yet says so too, and has no runs', () => {
    mkdirSync(join(state, 'ctfleet'))
    const ran = inMounts(
      'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
      '"$node" "$2" runs',
      '"$node" "$2" rollback last --yes',
      'echo "exit $?"',
    )
    expect(ran.stdout).toMatch(/^No runs in .*exit 2\n$/s)
    expect(ran.stderr).toMatch(/EROFS/)
  })

  function inMounts(...lines: readonly string[]) {
    const script = ['node=$0', ...lines].join('\n')
    const env = { PATH: process.env.PATH, HOME: state, CTFLEET_STATE: state }
    const ran = spawnSync('unshare', ['--mount', 'sh', '-c', script, node, state, program], {
      env,
      encoding: 'utf8',
    })
    return { stdout: ran.stdout, stderr: ran.stderr }
  }
})
