import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { applyCommand } from '../../../src/cli/commands/apply.ts'
import { planDocument } from '../../../src/plan/document.ts'
import { aFault } from '../../report/fleet.ts'
import { desk } from '../../support/desk.ts'
import { ownState } from '../../support/own-state.ts'
import { scriptedHost, scriptedPlanFor } from '../../support/scripted-host.ts'

const state = ownState()

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
