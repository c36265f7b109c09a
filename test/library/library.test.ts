import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { apply, audit, type FleetEvent, type HostResult, type Plan, type Planned, plan } from '../../src/index.ts'
import { sealPlan } from '../../src/plan/seal.ts'
import { databaseStore } from '../../src/store/database.ts'
import { aFault } from '../report/fleet.ts'
import { ownState } from '../support/own-state.ts'
import { scriptedHost, scriptedPlanFor } from '../support/scripted-host.ts'

const state = ownState()
const INVENTORY = { all: { hosts: { 'web-1': { ansible_connection: 'local' } } } }

function planned(...plans: readonly Plan[]): Planned {
  const results = plans.map((each): HostResult => ({ host: each.host.name, status: 'planned', plan: each }))
  return { inventory: 'inventory.yaml', plannedAt: '2026-11-26T09:42:00.000Z', results, leftOut: [], unsure: [] }
}
const one = scriptedPlanFor('web-1')
const two = scriptedPlanFor('web-2')
const dead = () =>
  scriptedHost(
    () => ({ lost: [] }),
    () => aFault({ code: 'auth' }),
  )

describe('apply', () => {
  test('what a program without types gets wrong is told at once, all of it, and nobody is contacted', async () => {
    const { asked } = dead()
    const wrong = { waves: [3, { percent: 200 }], maxFail: { hosts: -1 }, pauseSeconds: 'soon', changing: 0 }
    const options = { planned: planned(one), ...wrong } as unknown as Parameters<typeof apply>[0]
    await expect(apply(options)).rejects.toMatchObject({
      complaints: [
        { file: 'approve', message: 'expected a function, found undefined' },
        { file: 'waves[0]', hint: '{ hosts: 1 } or { percent: 10 }' },
        { file: 'waves[1]' },
        { file: 'maxFail' },
        { file: 'pauseSeconds', message: "found 'soon'" },
        { file: 'changing' },
      ],
    })
    expect(asked).toEqual([])
    expect(await databaseStore(state(), () => undefined).list()).toMatchObject({ runs: [] })
  })

  test('touches exactly the hosts that have a yes, and the record says who gave it and how', async () => {
    const { asked } = dead()
    const events: FleetEvent[] = []
    const asks: string[] = []
    const ended = await apply({
      planned: planned(one, two),
      approve: ({ host }) => {
        asks.push(host.name)
        return host.name === 'web-1' ? 'yes' : 'no'
      },
      by: 'robot@bastion',
      onEvent: (event) => void events.push(event),
    })
    expect(asks).toEqual(['web-1', 'web-2'])
    expect(ended.results.map(({ host, status }) => [host, status])).toEqual([
      ['web-1', 'unreachable'],
      ['web-2', 'declined'],
    ])
    expect(asked).toEqual([])
    const approval = { host: 'web-1', plan: one.id, by: 'robot@bastion', how: 'program' }
    expect(await databaseStore(state(), () => {}).load(ended.run)).toMatchObject({
      type: 'found',
      run: { command: 'apply', inventory: 'inventory.yaml', approvals: [approval], results: ended.results },
    })
    expect(ended.recordProblem).toBeNull()
    expect(events.map(({ event }) => event)).toEqual([
      'run-began',
      'approval',
      'phase-began',
      'wave',
      'stage',
      'host-ended',
      'phase-ended',
      'result',
      'result',
      'run-ended',
    ])
    expect(events).toContainEqual({ event: 'approval', ...approval })
  })

  test('has the record where it is told to, and makes none elsewhere', async () => {
    dead()
    const stateDirectory = `${state()}/of-my-own`
    const { run } = await apply({ planned: planned(one), approve: () => 'no', stateDirectory })
    expect((await databaseStore(stateDirectory, () => {}).load(run)).type).toBe('found')
    expect((await databaseStore(state(), () => {}).load(run)).type).toBe('none')
  })

  test('a plan that was edited after it was made is refused before anybody is asked', async () => {
    const { asked } = dead()
    const edited = { ...one, strategy: 'tune-better' }
    const approve = () => {
      throw new Error('asked')
    }
    await expect(apply({ planned: planned(edited), approve })).rejects.toThrow(
      'planned: the plan of web-1 is not as it was made: its id does not match\n  plan again',
    )
    expect(asked).toEqual([])
  })

  test('what may break sessions is skipped and not asked about, until that is accepted', async () => {
    dead()
    const { id: _, ...rest } = one
    const costly = sealPlan({ ...rest, sessionLoss: ['tcp_loose is 0'] })
    const asks: string[] = []
    const approve = ({ host }: Plan) => {
      asks.push(host.name)
      return 'yes' as const
    }
    const skipped = await apply({ planned: planned(costly), approve })
    expect(skipped.results).toMatchObject([{ status: 'skipped', why: expect.stringContaining('tcp_loose is 0') }])
    expect(asks).toEqual([])
    const accepted = await apply({ planned: planned(costly), approve, acceptSessionLoss: true })
    expect(accepted.results).toMatchObject([{ status: 'unreachable' }])
  })

  test('an approval that throws ends it, before any host is changed and with no run on record', async () => {
    const { asked } = dead()
    const approve = () => Promise.reject(new Error('the ticket system is down'))
    await expect(apply({ planned: planned(one), approve })).rejects.toThrow('the ticket system is down')
    expect(asked).toEqual([])
    expect((await databaseStore(state(), () => {}).list()).runs).toEqual([])
  })

  test('aborted while it asks, nobody more is asked, and no host begins', async () => {
    const { asked } = dead()
    const stop = new AbortController()
    const approve = () => {
      stop.abort()
      return 'yes' as const
    }
    const { results } = await apply({ planned: planned(one, two), approve, signal: stop.signal })
    expect(results.map(({ status }) => status)).toEqual(['not-reached', 'not-reached'])
    expect(asked).toEqual([])
  })

  test.each([
    ['while it is put', (stop: AbortController) => stop.abort()],
    ['later', (stop: AbortController) => void setTimeout(() => stop.abort(), 1)],
  ])('a question that nobody ever answers ends where it is aborted: %s', async (_, abort) => {
    const { asked } = dead()
    const stop = new AbortController()
    const approve = () => {
      abort(stop)
      return new Promise<never>(() => undefined)
    }
    const { results } = await apply({ planned: planned(one, two), approve, signal: stop.signal })
    expect(results.map(({ status }) => status)).toEqual(['not-reached', 'not-reached'])
    expect(asked).toEqual([])
  })

  test('a listener that fails is told to the process, and costs no host', async () => {
    dead()
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const onEvent = () => {
      throw new Error('the dashboard is down')
    }
    const { results } = await apply({ planned: planned(one), approve: () => 'yes', onEvent })
    expect(results).toMatchObject([{ status: 'unreachable', fault: { code: 'auth' } }])
    expect(warned).toHaveBeenCalledWith(new Error('the dashboard is down'))
  })

  test('nor does one that fails in its own time, which would end the process with hosts half changed', async () => {
    dead()
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const onEvent = (): unknown => Promise.reject(new Error('the dashboard answers with 500'))
    const { results } = await apply({ planned: planned(one), approve: () => 'yes', onEvent })
    expect(results).toMatchObject([{ status: 'unreachable', fault: { code: 'auth' } }])
    expect(warned).toHaveBeenCalledWith(new Error('the dashboard answers with 500'))
  })

  test('a bug of ours comes with its stack, as a warning of the process, and the result says where it is', async () => {
    scriptedHost(() => {
      throw new TypeError('ours')
    })
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const { results } = await apply({ planned: planned(one), approve: () => 'yes' })
    expect(results).toMatchObject([{ fault: { code: 'bug', next: expect.stringContaining('follows "bug at"') } }])
    expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^bug at web-1: TypeError: ours\n +at /))
    warned.mockClear()
    expect((await plan({ inventory: INVENTORY })).results).toMatchObject([{ status: 'failed', fault: { code: 'bug' } }])
    expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^bug at web-1: TypeError: ours\n +at /))
  })

  test('a record that cannot be begun: no run has begun for anybody, and nobody is said to be at work', async () => {
    const { asked } = dead()
    const events: FleetEvent[] = []
    const approve = () => {
      for (const file of readdirSync(state())) rmSync(join(state(), file), { recursive: true })
      mkdirSync(join(state(), 'ctfleet.db'))
      return 'yes' as const
    }
    const onEvent = (event: FleetEvent) => void events.push(event)
    await expect(apply({ planned: planned(one), approve, onEvent })).rejects.toThrow()
    expect(events).toEqual([])
    expect(readdirSync(join(state(), 'at-work'))).toEqual([])
    expect(asked).toEqual([])
  })

  test('a window that is over before the gates are is refused, with how long they may take', async () => {
    const narrow = apply({ planned: planned(one), approve: () => 'yes', confirmWithinSeconds: 5 })
    await expect(narrow).rejects.toThrow(/^confirmWithinSeconds: expected 1\d to 3600 seconds, found 5/)
  })
})

describe('plan and audit', () => {
  test('every host of an inventory that is given as an object has a result, also one that is out of reach', async () => {
    dead()
    const { results, inventory } = await plan({ inventory: INVENTORY })
    expect({ results, inventory }).toMatchObject({
      inventory: '(inventory)',
      results: [{ host: 'web-1', status: 'unreachable', fault: { code: 'auth' } }],
    })
    const { report } = await audit({ inventory: INVENTORY })
    expect(report.results).toMatchObject([{ host: 'web-1', status: 'unreachable' }])
  })

  test('numbers that cannot be meant are told at once, all of them, by each of the three', async () => {
    const { asked } = dead()
    const ports = [
      { protocol: 'tcp', port: 443 },
      { protocol: 'tcp', port: 99_999 },
      { protocol: 'sctp', port: 1 },
      null,
    ]
    const thresholds = { usage: 75, logAgeSeconds: 7200, portShare: Number.NaN, toString: 1 }
    const wrong = { inventory: INVENTORY, parallel: 0, ports, thresholds } as unknown as Parameters<typeof plan>[0]
    const complaints = [
      { file: 'parallel', message: 'found 0', hint: 'a whole number of hosts, 1 or more' },
      { file: 'ports[1]' },
      { file: 'ports[2]' },
      { file: 'ports[3]', message: 'found null' },
      { file: 'thresholds.usage', message: 'found 75', hint: 'a share from 0 to 1: 0.75 is 75 %' },
      { file: 'thresholds.portShare' },
      { file: 'thresholds.toString', message: 'there is no such threshold' },
    ]
    await expect(plan(wrong)).rejects.toMatchObject({ complaints })
    await expect(apply({ ...wrong, approve: () => 'no' })).rejects.toMatchObject({ complaints })
    for (const parallel of [0, -1, 1.5, Number.NaN, '3' as never]) {
      await expect(audit({ inventory: INVENTORY, parallel })).rejects.toMatchObject({
        complaints: [{ file: 'parallel' }],
      })
    }
    expect(asked).toEqual([])
    const right = {
      parallel: 1,
      ports: [{ protocol: 'udp', port: 53 }],
      thresholds: { usage: 1, entriesPerBucket: 8 },
    } as const
    expect((await plan({ inventory: INVENTORY, ...right })).results).toHaveLength(1)
  })

  test('mistakes are told all at once, with their place, before any host is contacted', async () => {
    const { asked } = dead()
    const hosts = { 'web-1': { ansible_port: 'ssh' } }
    await expect(plan({ inventory: { all: { hosts } } })).rejects.toThrow(/\(inventory\):\d+:\d+ .*ansible_port/)
    await expect(plan({ inventory: INVENTORY, limit: 'db' })).rejects.toThrow('no host or group of (inventory) matches')
    await expect(plan({ inventory: INVENTORY, strategy: 'tun' })).rejects.toThrow('did you mean "tune"?')
    await expect(plan({ inventory: INVENTORY, where: 'conntrak.usage > 1' })).rejects.toThrow('there is no conntrak')
    await expect(audit({ inventory: INVENTORY, policy: 'no-such.yaml' })).rejects.toThrow('no-such.yaml')
    expect(asked).toEqual([])
  })
})
