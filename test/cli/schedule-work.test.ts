import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkServiceMay } from '../../src/cli/schedule-rights.ts'
import { changeTable, tableNow } from '../../src/cli/schedule-table.ts'
import { carryOut, type Work } from '../../src/cli/schedule-work.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { InputError } from '../../src/input/complaint.ts'
import type { Job } from '../../src/serve/job.ts'

/** What is done to a machine for a schedule; programs of our own stand for systemctl and crontab. */

const SURE = { yes: true, dryRun: false, root: '/' }
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-work-'))
  mkdirSync(join(dir, 'bin'))
  vi.stubEnv('PATH', `${join(dir, 'bin')}:${process.env.PATH}`)
  vi.stubEnv('CTFLEET_STATE', join(dir, 'state'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(dir, { recursive: true })
})

describe('systemd', () => {
  test('a timer that could not be switched on is told so, and the next install switches it on', async () => {
    systemctl('enable', 1)
    const first = hears()
    expect(await carryOut(install(), SURE, first.terminal)).toBe(1)
    expect(first.said()).toContain('systemctl enable --now x.timer did not end well: systemd is away')
    systemctl('is-active', 3)
    const second = hears()
    expect(await carryOut(install(), SURE, second.terminal)).toBe(0)
    expect(second.said()).toContain('does not run')
    expect(asked()).toContain('enable --now x.timer')
    systemctl('none', 0)
    const third = hears()
    expect(await carryOut(install(), SURE, third.terminal)).toBe(0)
    expect(third.said()).toBe('Already as wanted.')
    expect(asked()).not.toContain('enable --now')
  })

  test('what only would be done is shown, where it is written and does not run', async () => {
    systemctl('none', 0)
    await carryOut(install(), SURE, hears().terminal)
    systemctl('is-enabled', 1)
    const { terminal, said } = hears()
    expect(await carryOut(install(), { ...SURE, dryRun: true }, terminal)).toBe(0)
    expect(said()).toContain('then: systemctl enable --now x.timer')
    expect(asked()).not.toContain('enable --now')
  })

  test('a timer that could not be stopped keeps its files', async () => {
    writeFileSync(unit(), 'x\n')
    systemctl('disable', 1)
    const away: Work = {
      wanted: [{ path: unit(), text: null, mode: 0o644 }],
      before: [['systemctl', 'disable', '--now', 'x.timer']],
      commands: [['systemctl', 'daemon-reload']],
      after: [],
      question: 'Take this away?',
    }
    const { terminal, said } = hears()
    expect(await carryOut(away, SURE, terminal)).toBe(1)
    expect(said()).toContain('The files stay as they are: it may still run.')
    expect(existsSync(unit())).toBe(true)
    expect(asked()).not.toContain('daemon-reload')
    systemctl('none', 0)
    expect(await carryOut(away, SURE, hears().terminal)).toBe(0)
    expect(existsSync(unit())).toBe(false)
  })

  test('the directories that a service writes are made for their owner alone', async () => {
    systemctl('none', 0)
    const directories = [join(dir, 'home/.ssh'), join(dir, 'record')]
    await carryOut({ ...install(), directories }, SURE, hears().terminal)
    expect(directories.map(existsSync)).toEqual([true, true])
  })

  function install(): Work {
    return {
      wanted: [{ path: unit(), text: '[Timer]\n', mode: 0o644 }],
      running: [
        ['systemctl', 'is-enabled', 'x.timer'],
        ['systemctl', 'is-active', 'x.timer'],
      ],
      commands: [['systemctl', 'enable', '--now', 'x.timer']],
      after: [],
      question: 'Write this?',
    }
  }

  /** One of its verbs ends with this. */
  function systemctl(verb: string, code: number): void {
    rmSync(join(dir, 'asked'), { force: true })
    program(
      'systemctl',
      `echo "$*" >> ${dir}/asked; [ "$1" = ${verb} ] && echo 'systemd is away' >&2 && exit ${code}; :`,
    )
  }

  const asked = () => readFileSync(join(dir, 'asked'), 'utf8')
  const unit = () => join(dir, 'x.timer')
})

describe("a user's table of cron", () => {
  test.each([
    ['no crontab for root', 1],
    ["crontab: can't open 'root': No such file or directory", 1],
  ])('is empty where crontab says so: %s', (text, code) => {
    crontab('', text, code)
    expect(tableNow()).toBe('')
  })

  test.each([
    ['', 'You (web) are not allowed to use this program (crontab)', 1],
    ['', "crontab: can't open '/var/spool/cron': Permission denied", 1],
    ['', '', 1],
    ['5 4 * * * backup', 'no crontab for root', 1],
    ['', 'sh: Segmentation fault', 139],
  ])('is not known where crontab ends otherwise, and nothing is written over it: %j %j', (out, text, code) => {
    crontab(out, text, code)
    expect(tableNow).toThrow(InputError)
  })

  test('is not there where there is no crontab', () => {
    vi.stubEnv('PATH', join(dir, 'bin'))
    expect(tableNow()).toBeNull()
  })

  test('is kept as it was before it is changed', async () => {
    const before = '# mine\n5 4 * * * backup\n'
    program('crontab', `cat > ${dir}/table`)
    const { terminal, said } = hears()
    expect(await changeTable(before, { job: JOB, times: '0 * * * *' }, SURE, terminal)).toBe(0)
    expect(readFileSync(join(dir, 'table'), 'utf8')).toContain(`${before}# Written by: ctfleet`)
    expect(readFileSync(join(dir, 'state/crontab.before'), 'utf8')).toBe(before)
    expect(said()).toContain('crontab.before')
  })

  function crontab(out: string, text: string, code: number): void {
    program('crontab', `printf %s '${out}'; printf '%s\\n' "${text}" >&2; exit ${code}`)
  }
})

describe.skipIf(process.getuid?.() !== 0)(
  'the service of the machine, which is root without the right to pass over modes',
  () => {
    test.each([
      [0o755, true],
      [0o700, false],
      [0o750, false],
      [0o600, true],
    ])('may use what is in another’s %s: %s', (mode, isFine) => {
      const path = join(dir, 'tell-us')
      writeFileSync(path, '')
      chownSync(path, 1234, 1234)
      chmodSync(path, mode)
      expect(complaintOf({ ...JOB, command: ['/usr/bin/env', path] }).includes('may not run it')).toBe(!isFine)
    })

    test('may write its record where it is its own, or not there yet', () => {
      expect(complaintOf({ ...JOB, state: '/root/none/yet' })).toBe('')
      chownSync(dir, 1234, 1234)
      expect(complaintOf({ ...JOB, state: dir })).toContain(`${dir}: the machine's service may not write there`)
      expect(complaintOf({ ...JOB, state: dir, isUsers: true })).toBe('')
    })

    test('sees nothing of what is in /tmp', () => {
      expect(complaintOf({ ...JOB, command: ['/usr/bin/env', '/tmp/fleet.yaml'] })).toContain('a /tmp of its own')
    })
  },
)

const JOB: Job = {
  name: 'x',
  command: ['/usr/bin/env', 'serve', '--once', '--name', 'x', '--inventory', '/etc/fleet.yaml'],
  directory: '/etc',
  home: '/root',
  state: '/root/none/yet',
  writes: [],
  jitter: 0,
  catchUp: true,
  looksHere: false,
  isUsers: false,
}

function complaintOf(job: Job): string {
  try {
    checkServiceMay(job)
    return ''
  } catch (error) {
    if (error instanceof InputError)
      return error.complaints.map(({ file, message }) => `${file}: ${message}`).join('\n')
    throw error
  }
}

function program(name: string, text: string): void {
  const path = join(dir, 'bin', name)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
}

function hears(): { readonly terminal: Terminal; readonly said: () => string } {
  const lines: string[] = []
  const hear = (more: readonly string[]) => void lines.push(...more)
  const paper: Terminal['paper'] = { columns: 200, width: (text) => text.length, ink: (_tone, text) => text }
  return {
    terminal: { paper, print: hear, say: hear, canAsk: false } as unknown as Terminal,
    said: () => lines.join('\n'),
  }
}
