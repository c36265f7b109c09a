import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { must, poll } from '../lab/command.ts'
import { canRunLab, type LabVm, startVm } from '../lab/index.ts'
import { sshCommand } from '../lab/ssh.ts'
import { programWords } from '../support/program.ts'

/** ctfleet in the home of a person, who has a machine with systemd audit itself over SSH, by the service as it is written. */

const able = canRunLab()
/** What the bundle leaves outside, with what that needs. */
const MODULES = [
  'ssh2',
  'asn1',
  'bcrypt-pbkdf',
  'tweetnacl',
  'safer-buffer',
  'node-gyp-build',
  '@photostructure/sqlite',
]
/** An emulated processor, of two that others use as well. */
const PATIENT = { timeoutSeconds: 240 }

let dir: string
let vm: LabVm
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-schedule-vm-'))
  vm = await startVm({ dir, init: 'systemd', memoryMb: 1024 })
  await installThere()
}, 600_000)
afterAll(async () => {
  await vm?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})

test('systemd audits by what lies in a home that is closed to others, shut off as it is, until it is taken away', async () => {
  const units = 'ls /etc/systemd/system /etc/systemd/system/timers.target.wants 2>/dev/null'
  const before = await says(units)
  // A timer that was here before: what is due every 6 hours has passed since, so it is made up for at once.
  await says('mkdir -p /var/lib/systemd/timers; touch -d "-13 hours" /var/lib/systemd/timers/stamp-ctfleet-here.timer')
  const installed = await says(
    alice('schedule install fleet.ini --name here --every 6h --jitter 0s --accept-new --yes'),
  )
  expect(installed).toContain('+ OnCalendar=*-*-* 00/6:00:00 UTC')
  expect(installed).toContain('Written.')

  const came = await poll(
    async () => {
      const { stdout } = await vm.exec(
        `systemctl is-enabled ctfleet-here.timer; systemctl is-active ctfleet-here.timer
systemctl show -p Result -p ActiveState ctfleet-here.service; journalctl --no-pager -o cat -u ctfleet-here.service`,
        PATIENT,
      )
      return /is on record|Failed with result/.test(stdout) && /ActiveState=(?:inactive|failed)/.test(stdout)
        ? stdout
        : undefined
    },
    { everyMs: 2000, timeoutSeconds: 200 },
  )
  const [enabled, active, ...rest] = String(came).split('\n')
  expect([enabled, active], came).toEqual(['enabled', 'active'])
  expect(rest, came).toContain('Result=success')
  expect(came?.match(/is on record/g), came).toHaveLength(1)
  // What it wrote outside of its record, into a directory that was not there: the key of the host that it did not know.
  expect(await says('stat -c %a /root/keys; cut -d" " -f2 /root/keys/known_hosts')).toBe('700\nssh-ed25519\n')

  expect(await says(alice('schedule remove here --yes'))).toContain('Taken away.')
  expect(await says(units)).toBe(before)
  expect(await says('systemctl list-timers --all | grep -c ctfleet || true')).toBe('0\n')
}, 600_000)

/** Typed by alice, at home. */
function alice(words: string): string {
  return `cd /home/alice && runuser -u alice -- sudo -n ./ctfleet/ctfleet ${words}`
}

async function says(command: string): Promise<string> {
  const { code, stdout, stderr } = await vm.exec(command, PATIENT)
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr}${stdout}`)
  return stdout
}

/** node and ctfleet, as a package would lay them out, and a way in from the machine to itself. */
async function installThere(): Promise<void> {
  const home = join(dir, 'stage/home/alice/ctfleet')
  const [, program] = programWords()
  await mkdir(join(home, 'node_modules/@photostructure'), { recursive: true })
  await must(['strip', '-o', join(home, 'node'), process.execPath]).catch(() =>
    cp(process.execPath, join(home, 'node')),
  )
  await cp(dirname(program), join(home, 'dist'), { recursive: true })
  for (const name of ['package.json', 'playbooks']) await cp(name, join(home, name), { recursive: true })
  for (const name of MODULES) {
    const isOfThisMachine = (from: string) =>
      !/prebuilds\/(?!linux-x64)./.test(from) && !/\/(?:src|test)(?:\/|$)/.test(from)
    await cp(join('node_modules', name), join(home, 'node_modules', name), { recursive: true, filter: isOfThisMachine })
  }
  await writeFile(
    join(home, 'ctfleet'),
    '#!/bin/sh\nexec /home/alice/ctfleet/node /home/alice/ctfleet/dist/cli.js "$@"\n',
    {
      mode: 0o755,
    },
  )
  const target = { address: vm.address, port: vm.port, user: 'root' }
  const quoted = sshCommand(dir, target, 'tar -xzf - -C /').map((word) => `'${word.replaceAll("'", "'\\''")}'`)
  await must(['sh', '-c', `tar -I 'gzip -1' -cf - -C '${join(dir, 'stage')}' home | ${quoted.join(' ')}`], {
    timeoutSeconds: 300,
  })
  await says(`useradd -M -s /bin/sh alice
echo 'alice ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/alice
cd /home/alice && mkdir .ssh && ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519
way='ansible_host=127.0.0.1 ansible_user=root ctfleet_known_hosts_file=/root/keys/known_hosts'
echo "here $way ansible_ssh_private_key_file=/home/alice/.ssh/id_ed25519" > fleet.ini
chown -R alice:alice . && chmod 700 . .ssh && chmod 600 fleet.ini
keys=$(sshd -T | sed -n 's/^authorizedkeysfile //p' | cut -d' ' -f1)
case $keys in /*) ;; *) keys=/root/$keys ;; esac
cat .ssh/id_ed25519.pub >> "$keys"`)
}
