import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { applyCommand } from '../../../src/cli/commands/apply.ts'
import type { FleetEvent } from '../../../src/model/event.ts'
import type { HostResult } from '../../../src/model/result.ts'
import { planDocument } from '../../../src/plan/document.ts'
import { requester } from '../../../src/run/requester.ts'
import { databaseStore } from '../../../src/store/database.ts'
import { aFault } from '../../report/fleet.ts'
import { desk } from '../../support/desk.ts'
import { ownState } from '../../support/own-state.ts'
import { scriptedHost, scriptedPlanFor } from '../../support/scripted-host.ts'

const state = ownState()

const TYPED = {
  inventoryOption: undefined,
  limit: undefined,
  forks: undefined,
  format: 'text',
  strategy: undefined,
  ports: undefined,
  nearFull: undefined,
  loggedWithin: undefined,
  waves: undefined,
  maxFail: undefined,
  pause: undefined,
  yes: false,
  acceptSessionLoss: false,
  confirmWithin: '60s',
  for: undefined,
}

test('where too many hosts failed before anything began, nobody is asked or touched, and it says how to go on', async () => {
  const { asked } = scriptedHost(() => ({ lines: [] }))
  const plan = join(state(), 'plan.json')
  const document = planDocument('inventory.yaml', '2026-11-26T09:42:00.000Z', [
    { host: 'web-1', status: 'planned', plan: scriptedPlanFor('web-1') },
    { host: 'dead-1', status: 'unreachable', fault: aFault() },
  ])
  writeFileSync(plan, JSON.stringify(document))
  const { terminal, printed, said } = desk()
  const words = { inventory: plan, inventoryOption: undefined, limit: undefined, forks: undefined, format: 'text' }
  const wish = { strategy: undefined, ports: undefined, nearFull: undefined, loggedWithin: undefined }
  const pace = { waves: undefined, maxFail: '0', pause: undefined }
  const consent = { yes: true, acceptSessionLoss: false, confirmWithin: '60s', for: undefined }
  expect(await applyCommand({ ...words, ...wish, ...pace, ...consent }, terminal)).toBe(1)
  expect(asked).toEqual([])
  expect(printed.join('\n')).toMatch(/web-1 +not-reached +it was not begun: 1 host failed \(dead-1\), and none may/)
  expect(said.join(' ')).toMatch(/Nothing was changed: .*--max-fail 1; or without them: --limit web-1/)
})

describe('a file with the ids of approved plans', () => {
  const plans = ['web-1', 'web-2'].map(scriptedPlanFor)
  const document = planDocument(
    'inventory.yaml',
    '2026-11-26T09:42:00.000Z',
    plans.map((plan): HostResult => ({ host: plan.host.name, status: 'planned', plan })),
  )
  const applied = async (approved: string, more: object = {}) => {
    const inventory = join(state(), 'plan.json')
    writeFileSync(inventory, JSON.stringify(document))
    const approveFile = join(state(), 'approved.txt')
    writeFileSync(approveFile, approved)
    const { terminal, printed, said } = desk()
    const events: FleetEvent[] = []
    const listening = { open: async () => {}, tell: (event: FleetEvent) => events.push(event), close: async () => {} }
    const words = { ...TYPED, inventory, approveFile, ...more }
    const code = await applyCommand(words, { ...terminal, events: listening })
    return { code, printed: printed.join('\n'), said: said.join('\n'), events }
  }

  test('is a yes to those and a no to all others; the record says whose, and nobody is asked', async () => {
    scriptedHost(
      () => ({ lost: [] }),
      () => aFault({ code: 'auth' }),
    )
    const id = plans[0]?.id ?? ''
    const { printed, events } = await applied(`${id.slice(0, 12)} # CHG-1234, bob\n`)
    expect(printed).toMatch(/web-1 +unreachable +auth/)
    expect(printed.replaceAll(/\s+/g, ' ')).toMatch(
      /web-2 declined .*: its plan [0-9a-f]{12} is not in .*approved\.txt/,
    )
    const { runs } = await databaseStore(state(), () => {}).list()
    const found = await databaseStore(state(), () => {}).load(runs[0]?.id ?? '')
    const approval = {
      host: 'web-1',
      plan: id,
      how: 'file',
      note: expect.stringContaining('approved.txt:1: CHG-1234, bob'),
    }
    expect(found).toMatchObject({ type: 'found', run: { approvals: [{ ...approval, by: requester() }] } })
    expect(events).toContainEqual({ event: 'approval', ...approval, by: requester() })
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['run-began', 'host-ended', 'run-ended']))
  })

  test('that names a plan which is not here changes nothing, and that is not as wanted', async () => {
    const { asked } = scriptedHost(() => ({ lost: [] }))
    const { code, said } = await applied('ffffffffffff\n')
    expect({ code, asked }).toEqual({ code: 1, asked: [] })
    expect(said).toMatch(/approved.txt:1: ffffffffffff is not in this\s+saved\s+plan/)
  })

  test('goes with no --yes, and with no plan that is only to be made', async () => {
    await expect(applied('', { yes: true })).rejects.toThrow(/^--approve-file: --yes says yes to every host already/)
    const inventory = join(state(), 'inventory.yaml')
    writeFileSync(inventory, 'all:\n  hosts:\n    web-1: { ansible_connection: local }\n')
    await expect(applied('', { inventory })).rejects.toThrow(/^--approve-file: it names plans that were made before/)
  })
})
