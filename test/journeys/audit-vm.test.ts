import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type LabVm, startVm } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'

/** What was made to last is there after a restart; what was not, the audit tells before it, and finds gone after it. */

const SYSCTL = 'net.netfilter.nf_conntrack_'
const MINE = '/etc/sysctl.d/60-site.conf'
const OTHER = '/etc/sysctl.d/99-other.conf'

/** One setting with its file, one whose file another one undoes, and one that nobody wrote down. */
const PLAYBOOK = `name: site
title: settings of this site, one of which is not written down
about: For a test of what survives a restart.
steps:
  - name: room
    sysctl: { key: ${SYSCTL}max, value: 9000 }
  - name: connections that are over
    sysctl: { key: ${SYSCTL}tcp_timeout_time_wait, value: 61 }
  - name: connections that are silent
    sysctl: { key: ${SYSCTL}tcp_timeout_established, value: 7200 }
  - name: two of them after a reboot
    file:
      path: ${MINE}
      content: "${SYSCTL}max = 9000\\n${SYSCTL}tcp_timeout_time_wait = 61\\n"
  - name: the module before the settings
    file: { path: /etc/modules-load.d/site.conf, content: "nf_conntrack\\n" }
verify: [reads-back, login]
`

let dir: string
let vm: LabVm | undefined
let why = 'virtual machines need root'
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  const able = canRunLab()
  if (!able.ok) why = able.why
  else
    vm = await startVm({ init: 'systemd' }).catch((error: unknown) => {
      why = `no virtual machine can be had here: ${String(error).slice(0, 200)}`
      return undefined
    })
}, 900_000)
afterAll(async () => {
  await vm?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (vm === undefined) context.skip(why)
})

test('a persistence with two holes: both are told before the restart, and found after it', {
  timeout: 900_000,
}, async () => {
  const there = vm as LabVm
  const env = { CTFLEET_INVENTORY: there.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await writeFile(join(dir, 'site.yaml'), PLAYBOOK)
  await there.exec('modprobe nf_conntrack')
  const words = ['--strategy', join(dir, 'site.yaml'), '--yes', '--format', 'json']
  const applied = await ctfleet(['apply', ...words], env)
  expect(applied.code, applied.stdout + applied.stderr).toBe(0)
  // Later, by others: a file that is read after ours, and what sudo has on record in the journal of systemd.
  await there.exec(`sleep 1.2; echo '${SYSCTL}tcp_timeout_time_wait = 31' > ${OTHER}; sudo sysctl -w ${SYSCTL}max=8000`)

  const before = await auditOf(env)
  const [hole] = before.filter(({ rule }) => rule === 'not-persistent')
  expect(hole?.title).toBe('2 settings would not survive a reboot: tcp_timeout_established, tcp_timeout_time_wait')
  expect(hole?.evidence).toEqual([
    'tcp_timeout_established is 7\u202f200, which no file sets',
    `tcp_timeout_time_wait is as ${MINE} sets it (61), and ${OTHER}, which is read later, sets it to 31`,
  ])
  const [typed] = before.filter(({ rule }) => rule === 'drift')
  expect(typed, JSON.stringify(typed)).toMatchObject({
    title: '1 of 5 changes that ctfleet applied is not in force, by root, a person who used sudo',
    by: [{ certainty: 'certain', evidence: [expect.stringContaining(`${SYSCTL}max=8000`)] }],
  })

  await there.reboot()
  const [drift] = (await auditOf(env)).filter(({ rule }) => rule === 'drift')
  expect(drift?.title).toBe('2 of 5 changes that ctfleet applied did not survive the restart')
  expect(drift?.evidence).toEqual(
    expect.arrayContaining([
      `there now: ${SYSCTL}tcp_timeout_established = 432000`,
      `there now: ${SYSCTL}tcp_timeout_time_wait = 31`,
    ]),
  )
  expect(drift?.by).toMatchObject([
    { who: 'the restart', certainty: 'certain' },
    {
      who: OTHER,
      certainty: 'likely',
      evidence: expect.arrayContaining([expect.stringContaining("after ctfleet's change")]),
    },
  ])
  // What was written down is in force.
  expect((await there.exec(`cat /proc/sys/net/netfilter/nf_conntrack_max`)).stdout).toBe('9000\n')
})

type Finding = {
  readonly rule: string
  readonly title: string
  readonly evidence: readonly string[]
  readonly by?: readonly object[]
}

async function auditOf(env: { readonly [name: string]: string }): Promise<readonly Finding[]> {
  const said = await ctfleet(['audit', '--format', 'json'], env)
  const [host] = JSON.parse(said.stdout).hosts
  if (host.status !== 'audited') throw new Error(said.stdout)
  return host.findings
}
