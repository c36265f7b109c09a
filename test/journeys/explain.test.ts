import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Explanation } from '../../src/model/explanation.ts'
import type { IndicativeChange } from '../../src/model/indicative.ts'
import type { Verdict } from '../../src/model/verdict.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'

/** Why a host gets what it gets: asked of real hosts, and later of what was recorded of them. */

const able = canRunLab()
const JSON_OUT = ['--format', 'json']

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1', 'gateway-1'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await lab.host('web-1').fill({ percent: 95, port: 443 })
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('explain changes nothing, names what decides, and says how many entries each strategy would free', async () => {
  const looks = async () => await Promise.all(lab.hosts.map(async (host) => [await host.dump(), await lookAt(host)]))
  await Promise.all(lab.hosts.map(async (host) => await host.exec('touch /run/before-ctfleet')))
  const before = await looks()
  const [text, json] = await Promise.all([ctfleet(['explain'], env), ctfleet(['explain', ...JSON_OUT], env)])
  expect(await looks()).toEqual(before)
  expect([text.code, json.code], text.stderr + json.stderr).toEqual([0, 0])

  const said = text.stdout.replaceAll(/\s+/g, ' ')
  expect(said).toMatch(/web-1: notrack would be chosen/)
  expect(said).toMatch(/unload, ineligible because .*-A INPUT .*--ctstate/)
  expect(said).toMatch(/443\/tcp 100 % yes yes: listens here/)
  expect(said).toMatch(/gateway-1: nothing would be chosen the host is healthy/)
  expect(said).toMatch(/unload, ineligible because .*-A POSTROUTING -s \S+ -o eth0 -j MASQUERADE/)
  expect(said).toMatch(/tune, ineligible because max belongs to the node/)

  const { hosts } = JSON.parse(json.stdout) as { hosts: readonly ({ readonly host: string } & Explanation)[] }
  const web = hosts.find(({ host }) => host === 'web-1')
  const effect = web?.strategies.find(({ verdict }) => verdict.strategy === 'notrack')?.effect
  if (effect?.remedy !== 'notrack' || !effect.entriesFreed.known || web?.table.entries.known !== true) {
    throw new Error(json.stdout)
  }
  expect(effect.services).toEqual([{ protocol: 'tcp', port: 443 }])
  expect(effect.basis).toMatchObject({ known: true, value: { basis: 'sample', read: 500 } })
  // All of them but for ssh's own: what is so is within what the sample says.
  const toPort443 = web.table.entries.value - 20
  expect(effect.entriesFreed.value.low).toBeLessThan(toPort443)
  expect(effect.entriesFreed.value.high).toBeGreaterThanOrEqual(toPort443)
})

test('ports that are named are explained in place of those that would be found', async () => {
  const { code, stdout, stderr } = await ctfleet(['explain', '--limit', 'web-1', '--ports', '80'], env)
  expect(code, stderr).toBe(0)
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/443\/tcp 100 % yes no: not among those named with --ports/)
})

test('a plan from recorded facts has the verdicts and the diff of a plan on the hosts, and cannot be applied', async () => {
  const facts = join(dir, 'facts.json')
  const recorded = await ctfleet(['facts', ...JSON_OUT], env)
  expect(recorded.code, recorded.stderr).toBe(0)
  await writeFile(facts, recorded.stdout)

  for (const wish of [[], ['--strategy', 'notrack', '--ports', '80,443'], ['--strategy', 'tune']]) {
    const live = planned((await ctfleet(['plan', ...wish, ...JSON_OUT], env)).stdout)
    const foretold = await ctfleet(['plan', '--facts', facts, ...wish, ...JSON_OUT], env)
    const indicative = planned(foretold.stdout)
    for (const [at, { host, considered, changes, strategy }] of live.hosts.entries()) {
      const beside = indicative.hosts[at]
      expect([beside?.host, beside?.strategy], wish.join(' ')).toEqual([host, strategy])
      expect(beside?.considered.map(essentials)).toEqual(considered.map(essentials))
      expect(beside?.changes.map(shownIn)).toEqual(changes.map(shownIn))
    }
    expect(JSON.parse(foretold.stdout)).toMatchObject({ appliable: false, source: { facts } })

    const saved = join(dir, 'indicative.json')
    await writeFile(saved, foretold.stdout)
    const applied = await ctfleet(['apply', saved, '--yes'], env)
    expect(applied).toMatchObject({ code: 2, stdout: '' })
    expect(applied.stderr).toMatch(/is an indicative plan/)
  }
})

type Shown = { readonly title: string; readonly shown: { before: readonly string[]; after: readonly string[] } }
type Planned = {
  readonly hosts: readonly {
    readonly host: string
    readonly strategy: string | null
    readonly considered: readonly Verdict[]
    readonly changes: readonly (Shown | IndicativeChange)[]
  }[]
}

function planned(text: string): Planned {
  return JSON.parse(text) as Planned
}

/** Without the numbers that change from one reading to the next. */
function essentials({ strategy, verdict, reasons }: Verdict) {
  return { strategy, verdict, reasons }
}

function shownIn(change: Shown | IndicativeChange) {
  if ('shown' in change) return { title: change.title, ...change.shown }
  const { title, before, after } = change
  return { title, before: before.known ? before.value : before.why, after: after.known ? after.value : after.why }
}

async function lookAt(host: LabHost): Promise<string> {
  const { stdout } = await host.exec(`
nft list tables
cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>&1
cat /proc/modules 2>&1
find /etc /root /home /run /tmp -newer /run/before-ctfleet`)
  return stdout
}
