import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cronFileText, cronTableLines, tableWith, tooLong } from '../../src/serve/cron-table.ts'
import { type Job, markOf, unsayable } from '../../src/serve/job.ts'
import { serviceText, timerText } from '../../src/serve/units.ts'

const ANALYZE = '/usr/bin/systemd-analyze'
const JOB: Job = {
  name: 'fleet-3fa9c2',
  command: ['/bin/sh', '-c', 'echo 100% of $HOME "quoted" \\ back'],
  directory: '/etc',
  home: '/root',
  state: '/var/tmp',
  writes: [],
  jitter: 300,
  catchUp: true,
  looksHere: false,
  isUsers: false,
}

const WORDS = ['100% of $HOME', "it's", '"quoted"', 'back\\slash', '; rm -rf x', '`id`']

describe.skipIf(!existsSync(ANALYZE))('systemd', () => {
  test.each([
    ['of the machine', JOB],
    ['of the machine, for hosts that are the machine itself', { ...JOB, looksHere: true }],
    ["of a user's own", { ...JOB, isUsers: true }],
  ])('finds nothing wrong with service and timer %s', (_, job) => {
    expect(verified(job)).toBe('')
  })

  test('takes every word as it is, whatever is in it', () => {
    // Characters that end a line are refused before: see `unsayable`.
    const word = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(text))
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), (words) => {
        const text = serviceText({ ...JOB, command: ['/bin/true', ...words] })
        const [, line = ''] = /^ExecStart=(.*)$/m.exec(text) ?? []
        expect(asSystemdReads(line)).toEqual(['/bin/true', ...words])
      }),
      { seed: 20261126, numRuns: 300 },
    )
  })

  test('rates the service as one that can do little', () => {
    withUnits(JOB, (dir, service) => {
      const { stdout } = spawnSync(ANALYZE, ['security', '--offline=true', '--threshold=30', service], {
        encoding: 'utf8',
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${dir}:`, LC_ALL: 'C' },
      })
      const [, exposure = '10'] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? []
      expect(Number(exposure), stdout).toBeLessThan(3)
    })
  })
})

test('a service that writes its record may write nothing else', () => {
  const text = serviceText({ ...JOB, state: '/root/.local/state/ct fleet', writes: ['/root/.ssh'] })
  expect(text).toContain('\nReadWritePaths="/root/.local/state/ct fleet" "/root/.ssh"\n')
  expect(text).toContain('\nProtectSystem=strict\n')
  // Alone it can read what is closed to others, and write nothing of it.
  expect(text).toContain('\nCapabilityBoundingSet=CAP_DAC_READ_SEARCH\n')
})

test('a timer makes up for downtime unless it is told not to', () => {
  expect(timerText(JOB, ['*-*-* 00/6:00:00 UTC'])).toContain('\nPersistent=true\n')
  expect(timerText({ ...JOB, catchUp: false }, ['*-*-* 00/6:00:00 UTC'])).toContain('\nPersistent=false\n')
})

test('what no line can hold is found before anything is written', () => {
  expect(unsayable(JOB)).toBeNull()
  const evil = 'a\nExecStartPre=/bin/evil'
  expect(unsayable({ ...JOB, command: ['/bin/true', evil] })).toMatchObject({
    text: evil,
    why: expect.stringContaining('control character'),
  })
})

test('a directory that systemd would read otherwise is found before anything is written', () => {
  for (const directory of ['/srv/x\\', '/srv/x ']) {
    expect(unsayable({ ...JOB, directory })).toMatchObject({
      text: directory,
      why: expect.stringContaining('backslash or a blank'),
    })
  }
  expect(unsayable({ ...JOB, directory: '/srv/a\\b c' })).toBeNull()
})

test("a line of cron's is for sh, and has no percent sign that cron would take for a line break", () => {
  const text = cronFileText({ ...JOB, jitter: 0, command: ['/usr/bin/printf', '%s|', ...WORDS] }, '0 */6 * * *')
  const [mark, line = ''] = text.split('\n')
  expect(mark).toBe(markOf(JOB.name))
  expect(line.slice(0, 17)).toBe('0 */6 * * * root ')
  expect(line.replaceAll('\\%', '')).not.toContain('%')
  // As cron hands it to sh.
  const command = line.slice(17).replaceAll('\\%', '%')
  expect(execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' })).toBe(WORDS.map((word) => `${word}|`).join(''))
})

test('a table of cron gets our two lines, once, and gives them back exactly', () => {
  const lines = fc.array(fc.stringMatching(/^[ -~]{0,20}$/), { maxLength: 6 })
  fc.assert(
    fc.property(lines, (others) => {
      const table = others.map((line) => `${line}\n`).join('')
      const ours = cronTableLines({ ...JOB, name: 'x', command: commandOf('x') }, '0 * * * *')
      const once = tableWith(table, 'x', ours)
      expect(tableWith(once, 'x', ours)).toBe(once)
      expect(tableWith(once, 'x', [])).toBe(table)
      const other = cronTableLines({ ...JOB, name: 'y', command: commandOf('y') }, '1 * * * *')
      expect(tableWith(tableWith(once, 'y', other), 'y', [])).toBe(once)
    }),
    { seed: 20261126 },
  )
})

test.each([
  ['gone', ''],
  ["another's", '5 4 * * * backup\n'],
  [
    'that of another schedule',
    `${cronTableLines({ ...JOB, name: 'x-2', command: commandOf('x-2') }, '0 * * * *')[1]}\n`,
  ],
])('where our line in a table is %s, the mark alone is taken away', (_, next) => {
  const ours = cronTableLines({ ...JOB, name: 'x', command: commandOf('x') }, '0 * * * *')
  expect(tableWith(`# first\n${markOf('x')}\n${next}`, 'x', [])).toBe(`# first\n${next}`)
  expect(tableWith(`${markOf('x')}\n${next}# last\n`, 'x', ours)).toBe(`${ours.join('\n')}\n${next}# last\n`)
  expect(tableWith(`# ${ours[1]}\n${markOf('x')}\n# ${ours[1]}\n`, 'x', [])).toBe(`# ${ours[1]}\n`)
})

test('a line that is longer than cron takes is told so', () => {
  const job = (length: number): Job => ({ ...JOB, command: ['/bin/true', 'x'.repeat(length)] })
  expect(tooLong(job(500))).toBeNull()
  expect(tooLong(job(1000))).toBeGreaterThan(1000)
})

function commandOf(name: string): Job['command'] {
  return [
    '/usr/bin/node',
    '/opt/ctfleet/cli.js',
    'serve',
    '--once',
    '--name',
    name,
    '--inventory',
    '/etc/hosts 100%.yaml',
  ]
}

function verified(job: Job): string {
  return withUnits(job, (dir, service, timer) => {
    const words = job.isUsers ? ['--user', 'verify', service, timer] : ['verify', service, timer]
    const env = { ...process.env, SYSTEMD_UNIT_PATH: `${dir}:`, LC_ALL: 'C', XDG_RUNTIME_DIR: dir }
    const { stderr } = spawnSync(ANALYZE, words, { encoding: 'utf8', env })
    return stderr
      .split('\n')
      .filter((line) => line.includes('ctfleet-'))
      .join('\n')
  })
}

function withUnits<T>(job: Job, work: (dir: string, service: string, timer: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'ctfleet-units-'))
  try {
    mkdirSync(dir, { recursive: true })
    const service = join(dir, `ctfleet-${job.name}.service`)
    const timer = join(dir, `ctfleet-${job.name}.timer`)
    writeFileSync(service, serviceText(job))
    writeFileSync(timer, timerText(job, ['*-*-* 00/6:00:00 UTC', 'Mon,Fri *-01,07-* 04:30:00 Europe/Berlin']))
    return work(dir, service, timer)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** The rules of systemd.service(5) for words in double quotes, and of systemd.unit(5) for specifiers. */
function asSystemdReads(line: string): readonly string[] {
  const words: string[] = []
  for (const [, inside = ''] of line.matchAll(/"((?:[^"\\]|\\.)*)"(?: |$)/gsu)) {
    const unquoted = inside.replaceAll(/\\(.)/gsu, '$1')
    if (/(?<!%)(?:%%)*%(?!%)/.test(unquoted)) throw new Error(`a specifier in ${line}`)
    words.push(unquoted.replaceAll('%%', '%').replaceAll('$$', '$'))
  }
  return words
}
