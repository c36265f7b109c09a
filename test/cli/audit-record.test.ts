import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { auditCommand } from '../../src/cli/commands/audit.ts'
import { openHistory, seriesOf } from '../../src/cli/history.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { desk } from '../support/desk.ts'
import { ownState } from '../support/own-state.ts'

const state = ownState()

test('an audit whose report nobody could read is not what the next one is compared with, and that is said', async () => {
  const audit = async (reason: string | null) => {
    const { terminal, said, printed } = desk()
    await auditCommand(words(), { ...terminal, reportLost: async () => (printed.length > 0 ? reason : null) })
    return { kept: await keptSo(terminal), said: said.join('\n') }
  }
  const lost = await audit('no space is left on the device')
  expect(lost.kept).toBe('none')
  expect(lost.said).toContain('It could not be printed whole, so this audit is not kept')
  const told = await audit(null)
  expect(told.kept).toBe('found')
  expect(told.said).not.toContain('not kept')
})

test('an audit is kept before a person reads it, who may never be through with it', async () => {
  const { terminal } = desk()
  const kept: Promise<string>[] = []
  await auditCommand(words(), {
    ...terminal,
    hasReader: true,
    printText: () => kept.push(keptSo(terminal)),
    reportLost: () => new Promise(() => undefined),
  })
  expect(await Promise.all(kept)).toEqual(['found'])
})

test('that an audit could not be kept stands below its report, where it is seen', async () => {
  const { terminal } = desk()
  const told: string[] = []
  const audited = words()
  vi.stubEnv('CTFLEET_STATE', '/proc/none')
  await auditCommand(audited, {
    ...terminal,
    hasReader: true,
    printText: () => told.push('the report'),
    say: (lines) => told.push(...lines),
  })
  expect(told.slice(told.indexOf('the report'))).toEqual([
    'the report',
    expect.stringMatching(/^This audit was not kept: \/proc\/none/),
  ])
})

/** A host that nobody answers for can be audited, and the audit kept. */
function words() {
  const inventory = join(state(), 'inventory.yaml')
  writeFileSync(inventory, 'all: { hosts: { web-1: { ansible_host: 127.0.0.1, ansible_port: 1 } } }\n')
  return {
    inventory,
    inventoryOption: undefined,
    limit: undefined,
    policy: undefined,
    failOn: 'warning',
    facts: undefined,
    forks: undefined,
  }
}

async function keptSo(terminal: Terminal): Promise<string> {
  return (await openHistory(terminal).lastOf(seriesOf(words()))).type
}
