import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { historyDatabase } from '../../src/store/history-database.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'

/** Timers and lines for cron, written below a directory that stands for `/`, and run as systemd and cron would run them. */

const able = canRunLab()
const ANALYZE = '/usr/bin/systemd-analyze'
let lab: Lab
let dir: string
let count = 0
let root: string
let env: { readonly [name: string]: string }
beforeAll(async () => {
  if (!able.ok) return
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-schedule-'))
  lab = await startLab({ hosts: ['healthy-1'] })
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
  root = join(dir, `root-${++count}`)
  mkdirSync(join(root, 'etc/cron.d'), { recursive: true })
  mkdirSync(join(root, 'etc/systemd/system'), { recursive: true })
  env = { CTFLEET_STATE: join(dir, `state-${count}`), PATH: `${join(root, 'bin')}:${process.env.PATH}` }
})

describe('where systemd is', () => {
  beforeEach(() => void mkdirSync(join(root, 'run/systemd/system'), { recursive: true }))

  test('a timer and a service are shown, written, left as they are the second time, and taken away exactly', async () => {
    const before = tree(root)
    const shown = await schedule(['install', ...watch(), '--dry-run'])
    expect(shown.stdout).toContain('etc/systemd/system/ctfleet-fleet.service')
    expect(shown.stdout).toContain('+ OnCalendar=*-*-* 00/6:00:00 UTC')
    expect(shown.stdout).toContain('+ Persistent=true')
    expect(tree(root)).toEqual(before)

    const unasked = await schedule(['install', ...watch()])
    expect(unasked.code).toBe(2)
    expect(unasked.stderr).toContain('there is no terminal to ask in')
    expect(tree(root)).toEqual(before)

    const written = await schedule(['install', ...watch(), '--yes'])
    expect(written.code, written.stderr).toBe(0)
    const after = tree(root)
    expect(Object.keys(after)).toEqual(expect.arrayContaining(['etc/systemd/system/ctfleet-fleet.timer']))
    expect((await schedule(['install', ...watch(), '--yes'])).stdout).toBe('Already as wanted.\n')
    expect(tree(root)).toEqual(after)

    const other = await schedule(['install', ...watch('12h'), '--yes'])
    expect(other.stdout).toContain('- OnCalendar=*-*-* 00/6:00:00 UTC')
    expect(other.stdout).toContain('+ OnCalendar=*-*-* 00/12:00:00 UTC')
    expect(other.stdout).not.toContain('ctfleet-fleet.service')

    const list = await schedule(['list'])
    expect(list.stdout).toContain('fleet  *-*-* 00/12:00:00 UTC  (of the machine)')
    const removed = await schedule(['remove', 'fleet', '--yes'])
    expect(removed.stdout).toContain('- WantedBy=timers.target')
    expect(removed.stdout).toContain('Taken away.')
    expect(tree(root)).toEqual(before)
    const again = await schedule(['remove', 'fleet', '--yes'])
    expect(again.code).toBe(2)
    expect(again.stderr).toContain('"fleet" is not installed; there is none')
  })

  test('what stands in the service audits the host, and systemd finds nothing wrong with it', async () => {
    await schedule(['install', ...watch(), '--yes'])
    const folder = join(root, 'etc/systemd/system')
    const service = readFileSync(join(folder, 'ctfleet-fleet.service'), 'utf8')
    if (existsSync(ANALYZE)) {
      const files = ['service', 'timer'].map((ending) => join(folder, `ctfleet-fleet.${ending}`))
      const { stderr } = spawnSync(ANALYZE, ['verify', ...files], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
      })
      expect(stderr.split('\n').filter((line) => line.includes('ctfleet-'))).toEqual([])
    }
    const [, line = ''] = /^ExecStart=(.*)$/m.exec(service) ?? []
    const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word)
    const [program = '', ...rest] = words
    // As systemd would: from its directory, with these variables alone.
    const { status, stderr } = spawnSync(program, rest, {
      encoding: 'utf8',
      cwd: '/',
      env: { HOME: '/root', ...env, PATH: '/usr/bin:/bin' },
    })
    expect([0, 4], stderr).toContain(status)
    expect(await audits()).toMatchObject([{ hosts: 1, unasked: 0, due: { schedule: 'fleet' } }])
  })

  test("a user's own goes to the user's units, a file of somebody else's stays", async () => {
    const theirs = join(root, 'etc/systemd/system/ctfleet-theirs.timer')
    writeFileSync(theirs, '[Timer]\nOnCalendar=daily\n')
    env = { ...env, XDG_CONFIG_HOME: '/home/ops/.config' }
    const { code, stdout } = await schedule(['install', ...watch(), '--own', '--yes'])
    expect(code).toBe(0)
    expect(stdout).toContain('loginctl enable-linger')
    expect(readFileSync(join(root, 'home/ops/.config/systemd/user/ctfleet-fleet.service'), 'utf8')).not.toContain(
      'ProtectSystem',
    )
    const { stdout: listed } = await schedule(['list'])
    expect(listed).toContain('fleet  *-*-* 00/6:00:00 UTC  (your own)')
    expect(listed).not.toContain('theirs')
    expect((await schedule(['remove', 'theirs', '--yes'])).code).toBe(2)
    expect(existsSync(theirs)).toBe(true)
  })

  test('who is told by a webhook has a service that others cannot read', async () => {
    const secret = join(dir, 'hook.secret')
    writeFileSync(secret, 'x\n', { mode: 0o600 })
    const hook = ['--webhook', 'https://alerts.example.com/T0/secret', '--webhook-secret-file', secret]
    await schedule(['install', ...watch(), ...hook, '--yes'])
    const file = join(root, 'etc/systemd/system/ctfleet-fleet.service')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain('"x"')
  })

  test.each([
    [['--every', '7h'], 'only times that divide an hour or a day come out even'],
    [['--cron', '0 0 L * *'], 'only numbers, names, lists, ranges and steps can be said there'],
    [['--every', '6h', '--ask-pass'], '--ask-pass: nobody is there to type it when it is time'],
    [['--every', '6h', '--become-pass-from', 'fd:3'], 'fd:3: nobody is there to type it when it is time'],
  ])('%j is refused', async (words, said) => {
    const { code, stderr } = await schedule(['install', inventory(), '--name', 'fleet', ...words, '--yes'])
    expect(stderr).toContain(said)
    expect(code).toBe(2)
    expect(readdirSync(join(root, 'etc/systemd/system'))).toEqual([])
  })

  test('a key that wants a passphrase, and a key that only an agent has, are no keys for a timer', async () => {
    const key = join(dir, `locked-${count}`)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', key])
    const written = join(dir, `locked-${count}.ini`)
    const known = `ansible_ssh_common_args='-o UserKnownHostsFile=${join(lab.dir, 'known_hosts')} -o StrictHostKeyChecking=accept-new'`
    writeFileSync(written, `web ansible_host=198.18.0.9 ansible_ssh_private_key_file=${key} ${known}\n`)
    const locked = await schedule(['install', written, '--every', '6h', '--yes'])
    expect(locked.stderr).toContain(key)
    expect(locked.code).toBe(2)
    const nothing = join(dir, `nothing-${count}.ini`)
    writeFileSync(nothing, `web ansible_host=198.18.0.9 ${known}\n`)
    env = { ...env, HOME: join(root, 'empty') }
    const none = await schedule(['install', nothing, '--every', '6h', '--yes'])
    expect(none.stderr).toContain('web: no key file to log in with')
    expect(none.code).toBe(2)
  })
})

describe('where there is no systemd', () => {
  beforeEach(() => {
    mkdirSync(join(root, 'usr/sbin'), { recursive: true })
    writeFileSync(join(root, 'usr/sbin/cron'), '', { mode: 0o755 })
  })

  test.each([
    ['for the machine', []],
    ['for the user', ['--own']],
  ])('and no cron daemon either, nothing is written that nobody would run: %s', async (_, own) => {
    rmSync(join(root, 'usr/sbin/cron'))
    const before = tree(root)
    const { code, stderr } = await schedule(['install', ...watch(), ...own, '--yes'])
    expect(code).toBe(2)
    expect(stderr).toContain('this machine has neither systemd nor a cron daemon')
    expect(stderr).toContain('install cron; or have ctfleet serve --every 6h started at boot')
    expect(tree(root)).toEqual(before)
  })

  test('what was written for a cron that is gone since is taken away', async () => {
    const before = tree(root)
    expect((await schedule(['install', ...watch(), '--yes'])).code).toBe(0)
    rmSync(join(root, 'usr/sbin/cron'))
    expect((await schedule(['remove', 'fleet', '--yes'])).code).toBe(0)
    writeFileSync(join(root, 'usr/sbin/cron'), '', { mode: 0o755 })
    expect(tree(root)).toEqual(before)
  })

  test('a line for cron is written, does what it says when sh runs it, and is taken away', async () => {
    const before = tree(root)
    const { code, stderr } = await schedule(['install', ...watch(), '--jitter', '0s', '--yes'])
    expect(code, stderr).toBe(0)
    const [mark, line = ''] = readFileSync(join(root, 'etc/cron.d/ctfleet-fleet'), 'utf8').split('\n')
    expect(mark).toMatch(/^# Written by: ctfleet schedule install --name fleet/)
    expect(line).toMatch(/^0 \*\/6 \* \* \* root cd /)
    const command = line.replace(/^0 \*\/6 \* \* \* root /, '').replaceAll('\\%', '%')
    const ran = spawnSync('/bin/sh', ['-c', command], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', LOGNAME: 'root' },
    })
    expect([0, 4], ran.stderr).toContain(ran.status)
    expect(await audits()).toMatchObject([{ hosts: 1, unasked: 0 }])
    expect((await schedule(['list'])).stdout).toContain('fleet  0 */6 * * *')
    expect((await schedule(['remove', 'fleet', '--yes'])).code).toBe(0)
    expect(tree(root)).toEqual(before)
  })

  test("a user's own table keeps what was in it", async () => {
    const table = join(root, 'table')
    const crontab = join(root, 'bin/crontab')
    mkdirSync(join(root, 'bin'))
    writeFileSync(crontab, `#!/bin/sh\ncase $1 in -l) cat ${table};; -) cat > ${table};; esac\n`)
    chmodSync(crontab, 0o755)
    const before = '# mine\n5 4 * * * backup 100\\%\n'
    writeFileSync(table, before)
    const { stdout, code } = await schedule(['install', ...watch(), '--own', '--yes'])
    expect(code).toBe(0)
    expect(stdout).toContain('+ 0 */6 * * * cd ')
    expect(readFileSync(table, 'utf8').startsWith(before)).toBe(true)
    expect((await schedule(['install', ...watch(), '--own', '--yes'])).stdout).toBe('Already as wanted.\n')
    expect((await schedule(['list'])).stdout).toContain('(your own)')
    expect((await schedule(['remove', 'fleet', '--own', '--yes'])).code).toBe(0)
    expect(readFileSync(table, 'utf8')).toBe(before)
  })

  test("a table that cannot be read is told so, and hides nothing of the machine's", async () => {
    mkdirSync(join(root, 'bin'))
    const crontab = join(root, 'bin/crontab')
    writeFileSync(crontab, '#!/bin/sh\necho "You (ops) are not allowed to use this program (crontab)" >&2\nexit 1\n')
    chmodSync(crontab, 0o755)
    const { code, stderr } = await schedule(['install', ...watch(), '--own', '--yes'])
    expect(code).toBe(2)
    expect(stderr).toContain('crontab -l: said: You (ops) are not allowed to use this program')
    expect((await schedule(['install', ...watch(), '--yes'])).code).toBe(0)
    const list = await schedule(['list'])
    expect(list.stdout).toContain('fleet  0 */6 * * *  (of the machine)')
    expect(list.stderr).toContain('You (ops) are not allowed')
    expect(list.code).toBe(2)
  })

  test('a command that is longer than cron takes is refused', async () => {
    const limit = Array.from({ length: 100 }, () => 'healthy-1').join(',')
    const { code, stderr } = await schedule(['install', ...watch(), '--limit', limit, '--yes'])
    expect(stderr).toContain('characters, and cron takes 998')
    expect(code).toBe(2)
    expect(readdirSync(join(root, 'etc/cron.d'))).toEqual([])
  })

  test('a time zone that cron does not know of is refused', async () => {
    const { code, stderr } = await schedule([
      'install',
      inventory(),
      '--cron',
      '0 4 * * *',
      '--timezone',
      'Asia/Tokyo',
      '--yes',
    ])
    expect(code).toBe(2)
    expect(stderr).toContain('cron counts in the zone of this machine')
    expect(stderr).toMatch(/leave out --timezone, and give --cron in \S+: the next one is at \d\d:00/)
  })
})

function inventory(): string {
  return join(lab.dir, 'inventory.yaml')
}

function watch(every = '6h'): readonly string[] {
  return [inventory(), '--name', 'fleet', '--every', every]
}

async function schedule([verb = '', ...words]: readonly string[]) {
  return await ctfleet(['schedule', verb, '--root', root, ...words], env)
}

async function audits() {
  return (await historyDatabase(env.CTFLEET_STATE ?? '', () => undefined).audits({})).audits
}

/** Every file, what is in it, and its mode. */
function tree(at: string): { readonly [path: string]: string } {
  const files = readdirSync(at, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(at, name)).isFile(),
  )
  return Object.fromEntries(
    files
      .sort()
      .map((name) => [
        name,
        `${(statSync(join(at, name)).mode & 0o777).toString(8)} ${readFileSync(join(at, name), 'utf8')}`,
      ]),
  )
}
