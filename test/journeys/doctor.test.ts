import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { untilListening } from '../support/lab-host.ts'
import { programWords } from '../support/program.ts'
import { canOpenScreen, openScreen } from '../support/tmux.ts'

/** Every way in that ends early, each with a real sshd or with none: doctor names the step, why, and what to type. */

type Case = {
  readonly on: string
  /** What is done to the host as root beforehand. */
  readonly made?: string
  readonly vars?: Readonly<Record<string, unknown>>
  readonly step: string
  readonly said: RegExp
  readonly next: RegExp
}

const HANGS = `printf '#!/bin/sh\\nexec sleep 600\\n'`
const AGAIN = `kill -HUP $(cat /run/sshd.pid); ${untilListening(22)}`

const CASES: Readonly<Record<string, Case>> = {
  'a name that nobody knows': {
    on: 'web-1',
    vars: { ansible_host: 'web-1.nowhere.invalid' },
    step: 'address',
    said: /no address was found for web-1\.nowhere\.invalid/,
    next: /getent hosts web-1\.nowhere\.invalid/,
  },
  'nobody at that address': {
    on: 'dead-1',
    step: 'connection',
    said: /there is no way to|does not answer/,
    next: /ping/,
  },
  'nothing at that port': {
    on: 'open-1',
    vars: { ansible_port: 2 },
    step: 'connection',
    said: /port 2/,
    next: /ssh .*-p 2 /,
  },
  'a port that says nothing': {
    on: 'silent-1',
    step: 'connection',
    said: /accepts connections but says nothing/,
    next: /from its console/,
  },
  'a key that nobody knows yet': {
    on: 'web-1',
    vars: { ctfleet_known_hosts_file: '/dev/null', ansible_ssh_common_args: '-o UserKnownHostsFile=/dev/null' },
    step: 'host key',
    said: /SHA256:/,
    next: /ctfleet keys|--accept-new/,
  },
  'a key that is another one': {
    on: 'changedkey-1',
    step: 'host key',
    said: /another machine answers, or the key was replaced/,
    next: /First compare on its console/,
  },
  'a user without that key': {
    on: 'web-1',
    vars: { ansible_user: 'nobody' },
    step: 'login',
    said: /login as nobody was refused/,
    next: /\S/,
  },
  'a login that hangs': {
    on: 'web-2',
    made: `${HANGS} > /usr/local/bin/hang; chmod 755 /usr/local/bin/hang
printf 'AuthorizedKeysFile none\\nAuthorizedKeysCommand /usr/local/bin/hang\\nAuthorizedKeysCommandUser root\\n' >> /etc/ssh/sshd_config; ${AGAIN}`,
    step: 'login',
    said: /did not answer the login as root/,
    next: /slow name server or directory service/,
  },
  'a user who may run nothing': {
    on: 'sudo-1',
    made: 'sed -i "/^ops:/s,/bin/bash,/usr/sbin/nologin," /etc/passwd',
    step: 'shell',
    said: /did not start \/bin\/sh/,
    next: /chsh/,
  },
  'a shell that hangs': {
    on: 'sudo-2',
    made: `${HANGS} > /bin/hang; chmod 755 /bin/hang; sed -i "/^ops:/s,/bin/bash,/bin/hang," /etc/passwd`,
    step: 'shell',
    said: /20 s/,
    next: /\S/,
  },
  'a host without some of the tools': {
    on: 'sudo-3',
    made: 'rm -f /usr/bin/dd /bin/dd /usr/bin/setsid /usr/bin/nohup',
    step: 'tools',
    said: /missing: dd, setsid or nohup/,
    next: /install coreutils or busybox/,
  },
  'a sudo that wants a password': {
    on: 'askpass-1',
    step: 'root',
    said: /sudo: a password is required/,
    next: /--ask-become-pass/,
  },
  'no sudo at all': { on: 'sudo-4', made: 'rm /usr/bin/sudo', step: 'root', said: /sudo/, next: /\S/ },
  'a sudo that hangs': {
    on: 'sudo-5',
    made: `rm /usr/bin/sudo; ${HANGS} > /usr/bin/sudo; chmod 755 /usr/bin/sudo`,
    step: 'root',
    said: /becoming root after 20 s/,
    next: /log in by hand/,
  },
  'a shell of root that hangs': {
    on: 'sudo-6',
    made: `rm /usr/bin/uname; ${HANGS} > /usr/bin/uname; chmod 755 /usr/bin/uname`,
    step: 'tracking',
    said: /60 s/,
    next: /\S/,
  },
}

const STEPS = ['address', 'connection', 'host key', 'login', 'shell', 'tools', 'root', 'tracking']

const able = canRunLab()
let lab: Lab
let dir: string

beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-doctor-journey-'))
  const hosts = [...new Set(Object.values(CASES).map(({ on }) => on))]
  lab = await startLab({ hosts: [...hosts, 'web-9'] })
  await Promise.all(
    Object.values(CASES).map(async ({ on, made }) => {
      if (made === undefined) return
      const { code, stderr } = await lab.host(on).exec(made)
      if (code !== 0) throw new Error(`${on}: ${stderr}`)
    }),
  )
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

type Told = { readonly check: string; readonly standing: string; readonly said: string; readonly next: string | null }

describe('the step that fails is named with its cause and the next move; those before it are well', () => {
  test.concurrent.each(Object.entries(CASES))(
    '%s',
    async (title, { on, vars, step, said, next }) => {
      const { code, stdout, stderr } = await ctfleet(
        ['doctor', await inventoryFor(title, on, vars), '--format', 'json'],
        {
          CTFLEET_STATE: join(dir, 'state'),
          SSH_AUTH_SOCK: '',
          HOME: dir,
        },
      )
      const checks: readonly Told[] = JSON.parse(stdout).host.checks
      const failed = checks.find(({ standing }) => standing === 'failed')
      expect({ code, step: failed?.check }, `${stdout}${stderr}`).toEqual({ code: 1, step })
      expect(failed?.said).toMatch(said)
      expect(failed?.next).toMatch(next)
      for (const name of STEPS.slice(0, STEPS.indexOf(step)))
        expect(
          checks.find(({ check }) => check === name),
          name,
        ).toMatchObject({ standing: 'ok' })
    },
    // More than the limit that doctor's help names for a host without hosts in between, and a slow machine.
    200_000,
  )
})

test('in a terminal of 80 columns it says for how long at most it is on the way, and then each step', async (context) => {
  const screens = canOpenScreen()
  if (!screens.ok) return context.skip(screens.why)
  const words = programWords().join(' ')
  await writeFile(join(dir, 'ctfleet'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 })
  await using screen = await openScreen({ dir, columns: 80 }, { CTFLEET_STATE: join(dir, 'state') })
  await screen.type(`ctfleet doctor ${await inventoryFor('dead', 'dead-1', {})}`)
  await screen.until(/dead-1: on the way in, for 60 s at most/)
  const ended = await screen.until(/tracking +not reached/)
  expect(ended).not.toContain('on the way in')
  await screen.clear()
  await screen.type(`ctfleet doctor ${await inventoryFor('open', 'web-9', {})}`)
  const text = await screen.until(/Next: ctfleet explain -i \S+ --limit web-9/)
  for (const step of STEPS) expect(text).toMatch(new RegExp(`^  ok +${step} `, 'm'))
  expect(text).toMatch(/^ {2}ok {4}terminal +80 columns/m)
})

async function inventoryFor(title: string, on: string, vars: Case['vars'] = {}): Promise<string> {
  const { address, user } = lab.host(on)
  const all = {
    ansible_host: address,
    ansible_user: user,
    ansible_become: user === 'ops',
    ansible_ssh_private_key_file: `${lab.dir}/id_ed25519`,
    ansible_ssh_common_args: `-o UserKnownHostsFile=${lab.dir}/known_hosts`,
    ...vars,
  }
  const file = join(dir, `${title.replaceAll(' ', '-')}.yaml`)
  await writeFile(file, JSON.stringify({ all: { hosts: { [on]: all } } }))
  return file
}
