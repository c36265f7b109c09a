import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'
import { journalOf } from '../support/trouble.ts'

/** Two people with two programs and two records change the same hosts at the same moment. */

const able = canRunLab()
const NAMES = ['web-1', 'legacy-1', 'native-1', 'busybox-1']
const UDP = '/proc/sys/net/netfilter/nf_conntrack_udp_timeout'
const VALUES = { ann: '17', bob: '18' } as const
type Person = keyof typeof VALUES
const PEOPLE = ['ann', 'bob'] as const

/** One transaction that nobody came between, whole. */
const WHOLE = [
  ...['armed', 'intend', 'done', 'intend', 'done', 'applied'],
  ...['confirmed', 'intend', 'done', 'committed'],
]

let lab: Lab
let dir: string
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  lab = await startLab({ hosts: NAMES })
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('one of them gets each host, the other is told who holds it since when, and nothing of both is mixed', async () => {
  const before = await dumps()
  for (const person of PEOPLE) await mkdir(join(dir, person))
  let told = 0
  // Who comes late by the whole time of a change is told that the host has changed instead.
  for (let round = 1; told < NAMES.length && round <= 4; round++) {
    for (const person of PEOPLE) await plan(person)
    const words = (person: Person) => ['apply', join(dir, person, 'plan.json'), '--yes', '--format', 'json']
    const runs = await Promise.all(PEOPLE.map((person) => says(person, [...words(person), '--waves', '100%'])))
    for (const name of NAMES) {
      const results = runs.map(({ stdout, stderr }) => resultOf(stdout, name) ?? { host: name, status: stderr })
      const won = results.findIndex(({ status }) => status === 'applied')
      const [winner, loser] = [results[won], results[1 - won]]
      if (winner?.transaction === undefined || loser?.status !== 'refused') throw new Error(JSON.stringify(results))
      const { code = '', message = '', next = '' } = loser.fault ?? {}
      expect(['locked', 'drifted']).toContain(code)
      if (code === 'locked') {
        told++
        expect(message).toMatch(
          /^it is locked since \d{4}-\d\d-\d\d \d\d:\d\d UTC by transaction \w+ of run \S+ by \S+@\S+$/,
        )
        expect(message).toContain(`transaction ${winner.transaction} of run ${runOf(runs[won])}`)
        expect(next).toContain(`ctfleet resume ${runOf(runs[won])}`)
      }
      const there = lab.host(name)
      expect((await there.exec('ls /var/lib/ctfleet')).stdout).toBe(`${winner.transaction}\n`)
      expect(await journalOf(there, winner.transaction)).toEqual(WHOLE)
      const value = VALUES[PEOPLE[won] as Person]
      expect((await there.exec(`cat ${UDP} ${UDP}_stream`)).stdout).toBe(`${value}\n1${value}\n`)
      expect((await there.exec('cat /etc/sysctl.d/90-udp.conf')).stdout).toBe(`# ${value}\n`)
    }
    for (const person of PEOPLE) await says(person, ['rollback', 'last', '--yes'])
    expect(await dumps()).toEqual(before)
  }
  expect(told).toBeGreaterThanOrEqual(NAMES.length)
}, 300_000)

async function plan(person: Person): Promise<void> {
  const value = VALUES[person]
  const playbook = `
name: udp
title: another timeout for udp
about: Small and the same on every host.
steps:
  - name: udp is forgotten sooner
    sysctl: { key: net.netfilter.nf_conntrack_udp_timeout, value: ${value} }
  - name: talks too
    sysctl: { key: net.netfilter.nf_conntrack_udp_timeout_stream, value: 1${value} }
  - name: after a reboot too
    file: { path: /etc/sysctl.d/90-udp.conf, content: "# ${value}\\n" }
verify: [reads-back]
`
  const path = join(dir, person, 'udp.yaml')
  await writeFile(path, playbook)
  const { code, stderr } = await says(person, ['plan', '--strategy', path, '-o', join(dir, person, 'plan.json')])
  expect(code, stderr).toBe(0)
}

async function says(person: Person, words: readonly string[]): Promise<Said> {
  return await ctfleet(words, {
    CTFLEET_INVENTORY: lab.inventoryPath,
    CTFLEET_STATE: join(dir, person, 'state'),
    LOGNAME: person,
    USER: person,
  })
}

type Told = {
  readonly host: string
  readonly status: string
  readonly transaction?: string
  readonly fault?: { readonly code: string; readonly message: string; readonly next: string }
}

function resultOf(stdout: string, name: string): Told | undefined {
  return (JSON.parse(stdout) as { readonly hosts: readonly Told[] }).hosts.find(({ host }) => host === name)
}

function runOf(said: Said | undefined): string {
  return (JSON.parse(said?.stdout ?? '{}') as { readonly run: string }).run
}

async function dumps(): Promise<readonly string[]> {
  return await Promise.all(lab.hosts.map(async (host) => await host.dump()))
}
