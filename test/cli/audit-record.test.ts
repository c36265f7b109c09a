import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { auditCommand } from '../../src/cli/commands/audit.ts'
import { openHistory, seriesOf } from '../../src/cli/history.ts'
import { desk } from '../support/desk.ts'
import { ownState } from '../support/own-state.ts'

const state = ownState()

test('an audit whose report nobody could read is not what the next one is compared with, and that is said', async () => {
  // A host that nobody answers for can be audited, and the audit kept.
  const inventory = join(state(), 'inventory.yaml')
  writeFileSync(inventory, 'all: { hosts: { web-1: { ansible_host: 127.0.0.1, ansible_port: 1 } } }\n')
  const words = {
    inventory,
    inventoryOption: undefined,
    limit: undefined,
    policy: undefined,
    failOn: 'warning',
    facts: undefined,
    forks: undefined,
  }
  const audit = async (reason: string | null) => {
    const { terminal, said, printed } = desk()
    await auditCommand(words, { ...terminal, reportLost: async () => (printed.length > 0 ? reason : null) })
    return { kept: (await openHistory(terminal).lastOf(seriesOf(words))).type, said: said.join('\n') }
  }
  const lost = await audit('no space is left on the device')
  expect(lost.kept).toBe('none')
  expect(lost.said).toContain('It could not be printed whole, so this audit is not kept')
  const told = await audit(null)
  expect(told.kept).toBe('found')
  expect(told.said).not.toContain('not kept')
})
