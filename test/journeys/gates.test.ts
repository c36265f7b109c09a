import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import type { Gate, GateOutcome } from '../../src/model/plan.ts'
import { invalidGate } from '../../src/plan/rate-gates.ts'
import { applyHost } from '../../src/run/apply-host.ts'
import { gatherFacts } from '../../src/run/facts-host.ts'
import { rollbackHost } from '../../src/run/rollback-host.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'
import { planOn, type Wish } from '../support/hand-made-plan.ts'
import { inventoryHost, opened } from '../support/lab-host.ts'
import { edit } from '../support/rules.ts'
import { terms } from '../support/terms.ts'
import { remains } from '../support/trouble.ts'

/** What only gates notice. */

const able = canRunLab()
const ESTABLISHED = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
const TELLING = { signal: new AbortController().signal, onStage: () => undefined }

let dir: string
let lab: Lab
let web: LabHost
let full: LabHost
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-gates-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1', 'legacy-1'] })
  web = lab.host('web-1')
  full = lab.host('legacy-1')
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((ctx) => {
  if (!able.ok) ctx.skip(able.why)
})

describe('while clients come and go', () => {
  /** Answers leave untracked, so that a client's next packets belong to no flow: the port still answers, and nobody is served. */
  const oneWay: Wish = [
    'firewall',
    {
      edits: [
        edit({
          table: 'raw',
          chain: 'OUTPUT',
          spec: '-p tcp -m tcp --sport 80 -m comment --comment ctfleet:test:1 -j CT --notrack',
          key: 'ctfleet:test:1',
        }),
      ],
    },
  ]
  const harmless: Wish = ['sysctl', { key: 'net.netfilter.nf_conntrack_udp_timeout', value: 17 }]

  test('a change that makes their packets INVALID is taken back by that gate alone', async () => {
    const host = inventoryHost(lab.dir, web)
    const before = await web.dump()
    using _clients = coming(web.address, 80)
    const plan = await planOn(host, [harmless, oneWay], await gatesOn(host))
    const result = await applyHost(plan, terms(30), TELLING)
    if (result.status !== 'rolled-back') throw new Error(JSON.stringify(result))
    expect(result.fault).toMatchObject({
      code: 'not-verified',
      message: expect.stringMatching(/^[\d.]+ packets a second are INVALID \([\d.]+ before the change, at most 25 /),
    })
    expect(result.checked?.map(({ gate, held }) => [gate, held])).toEqual([
      ['reads-back', true],
      ['login', true],
      ['ports', true],
      ['invalid', false],
    ])
    expect(await web.dump()).toBe(before)
    expect(await remains(web)).toBe('')
  })

  test('a change that shuts a port of the service is taken back, and the port is named', async () => {
    const host = inventoryHost(lab.dir, web)
    const before = await web.dump()
    const spec = '-p tcp -m tcp --dport 80 -m comment --comment ctfleet:test:1 -j REJECT --reject-with tcp-reset'
    const shut: Wish = ['firewall', { edits: [edit({ spec, before: ESTABLISHED })] }]
    const plan = await planOn(host, [shut], [{ gate: 'login' }, { gate: 'ports', ports: [22, 80, 443, 8080] }])
    const result = await applyHost(plan, terms(30), TELLING)
    if (result.status !== 'rolled-back') throw new Error(JSON.stringify(result))
    expect(result.fault?.message).toBe('port 80 refuses connections now, and answered before the change')
    expect(await web.dump()).toBe(before)
  })

  test('a harmless one is kept under the same gates', async () => {
    const host = inventoryHost(lab.dir, web)
    using _clients = coming(web.address, 80)
    const plan = await planOn(host, [harmless], await gatesOn(host))
    const applied = await applyHost(plan, terms(30), TELLING)
    if (applied.status !== 'applied') throw new Error(JSON.stringify(applied))
    expect(applied.checked?.every(({ held }) => held)).toBe(true)
    const { transaction } = applied
    expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'rolled-back', fault: null })
  })

  /** With the limit that a plan would have, from facts of this moment. */
  async function gatesOn(host: Host): Promise<readonly Gate[]> {
    await using session = await opened(host)
    const read = await gatherFacts(session)
    if ('refused' in read) throw new Error(read.refused.message)
    const invalid = invalidGate(read.facts, { withinSeconds: 4, mostPerSecond: null })
    if (!invalid.known) throw new Error(invalid.why)
    return [{ gate: 'reads-back' }, { gate: 'login' }, { gate: 'ports', ports: [22, 80] }, invalid.value]
  }
})

describe('what a playbook of one’s own asks for', () => {
  let env: { readonly [name: string]: string }
  let before: string
  beforeAll(async () => {
    if (!able.ok) return
    env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
    // Its table takes nothing more, and ssh has to go on.
    for (const [chain, port] of [
      ['PREROUTING', '--dport'],
      ['OUTPUT', '--sport'],
    ]) {
      const rule = `-t raw -A ${chain} -p tcp ${port} 22 -j CT --notrack`
      if ((await full.exec(`iptables-legacy ${rule}`)).code !== 0) throw new Error(rule)
    }
    await full.fill({ percent: 100 })
    before = await full.dump()
  })

  const applyWith = async (verify: string) => {
    const file = join(dir, 'mine.yaml')
    const step = 'sysctl: { key: net.netfilter.nf_conntrack_udp_timeout, value: 17 }'
    await writeFile(file, `name: mine\ntitle: One that helps nobody\nsteps:\n  - ${step}\nverify:\n  - ${verify}\n`)
    const words = ['--strategy', file, '--limit', 'legacy-1', '--yes', '--format', 'json']
    return await ctfleet(['apply', ...words], env)
  }

  test('drops that are to end and go on take the change back, with the numbers', async () => {
    using _clients = coming(full.address, 80)
    const said = await applyWith('drops: { within: 4s, most_per_second: 0 }')
    expect(said.code, said.stderr).toBe(1)
    const [host] = hostsIn(said)
    expect(host).toMatchObject({ status: 'rolled-back', fault: { code: 'not-verified' } })
    expect(host?.fault?.message).toMatch(
      /^[\d.]+ packets a second are dropped for want of room \([\d.]+ before the change, none were expected, the table is 100 % full\)$/,
    )
    expect(host?.checked.map(({ gate, held }) => [gate, held])).toEqual([
      ['login', true],
      ['drops', false],
    ])
    expect(await full.dump()).toBe(before)
  })

  test('drops that nobody said would end may go on', async () => {
    using _clients = coming(full.address, 80)
    const said = await applyWith('drops: { within: 4s }')
    expect(hostsIn(said), said.stderr).toMatchObject([{ status: 'applied' }])
    const back = await ctfleet(['rollback', 'last', '--yes', '--format', 'json'], env)
    expect(hostsIn(back), back.stderr).toMatchObject([{ status: 'rolled-back', fault: null }])
    expect(await full.dump()).toBe(before)
  })
})

type Ended = {
  readonly status: string
  readonly fault: { readonly message: string } | null
  readonly checked: readonly GateOutcome[]
}

function hostsIn({ stdout }: Said): readonly Ended[] {
  return JSON.parse(stdout).hosts
}

const PER_SECOND = 40
const STAY_MS = 700

/** New clients many times a second, each with a word to say and gone again a moment later. */
function coming(host: string, port: number): Disposable {
  const sockets = new Set<Socket>()
  const timer = setInterval(() => {
    const socket = connect({ host, port })
    sockets.add(socket)
    socket.on('connect', () => socket.write('hello\n'))
    socket.on('error', () => undefined)
    setTimeout(() => {
      sockets.delete(socket)
      socket.destroy()
    }, STAY_MS)
  }, 1000 / PER_SECOND)
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      for (const socket of sockets) socket.destroy()
    },
  }
}
