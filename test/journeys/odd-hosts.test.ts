import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'

/** Hosts as they are: each is changed and taken back as any other, or says what keeps it from being changed. */

/** What is odd about each host; none of them has systemd. */
const ODD: Readonly<Record<string, string>> = {
  // Another language, time zone and clock: nothing is read by a tool's words, and no time limit goes by the time of day.
  'web-1': `printf '%s\\n' 'SetEnv LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 LANGUAGE=de TZ=Pacific/Kiritimati' >> /etc/ssh/sshd_config
kill -HUP "$(cat /run/sshd.pid)"
printf '%s\\n' '#!/bin/sh' 'exec /bin/date -d "-9 years" "$@"' > /usr/local/sbin/date
cp /usr/local/sbin/date /usr/sbin/date; chmod 755 /usr/sbin/date /usr/local/sbin/date`,
  'legacy-1': 'ln -sfn /bin/bash /bin/sh',
  'busybox-1': ':',
  // It has no program of iptables at all.
  'native-1': ':',
  // All but /var/log, which its sshd writes to.
  'nft-1': `for each in /etc /usr /root /var/lib; do mount --bind $each $each && mount -o remount,bind,ro $each || exit 1; done
! touch /etc/x 2> /dev/null`,
}
const CHANGED = ['web-1', 'legacy-1', 'busybox-1', 'native-1']

const able = canRunLab()
let lab: Lab
let dir: string
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-odd-'))
  lab = await startLab({ hosts: Object.keys(ODD) })
  for (const [name, odd] of Object.entries(ODD)) {
    const made = await lab.host(name).exec(odd)
    if (made.code !== 0) throw new Error(`${name}: ${made.stderr}`)
  }
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('another language and clock, every shell, no iptables, a disk that is read-only', async () => {
  const env = { CTFLEET_STATE: join(dir, 'state'), CTFLEET_INVENTORY: lab.inventoryPath }
  const dumps = async () => await Promise.all(lab.hosts.map(async (host) => [host.name, await host.dump()]))
  const before = await dumps()

  const words = ['--strategy', 'notrack', '--ports', '80', '--yes', '--max-fail', '2', '--format', 'json']
  const applied = await ctfleet(['apply', ...words, '--pause', '0s'], env)
  expect(applied.code, applied.stderr + applied.stdout).toBe(1)
  const { hosts } = JSON.parse(applied.stdout) as { hosts: readonly Ended[] }
  const byName = new Map(hosts.map((host) => [host.host, host]))
  for (const name of CHANGED) expect(byName.get(name), name).toMatchObject({ status: 'applied' })
  expect(byName.get('nft-1')).toMatchObject({
    status: 'failed',
    fault: {
      message: expect.stringContaining('could not be written; nothing was touched'),
      next: expect.stringContaining('df /var/lib'),
    },
  })

  const verified = await ctfleet(['verify', 'last', '--limit', CHANGED.join(',')], env)
  expect(verified.code, verified.stdout).toBe(0)
  const back = await ctfleet(['rollback', 'last', '--yes'], env)
  expect(back.code, back.stderr + back.stdout).toBe(0)
  expect(await dumps()).toEqual(before)
})

type Ended = { readonly host: string; readonly status: string; readonly fault?: { readonly message: string } }
