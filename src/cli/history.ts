import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { inventoryPath } from '../inventory/inventory.ts'
import { absoluteInventory } from '../inventory/named.ts'
import { visible } from '../report/format.ts'
import type { Sampler } from '../run/sampling.ts'
import type { AuditSeries, HistoryStore } from '../store/history.ts'
import { historyDatabase } from '../store/history-database.ts'
import { stateDirectory } from '../store/state-directory.ts'
import type { TargetWords } from './targets.ts'
import type { Terminal } from './terminal.ts'

export function openHistory({ say }: Terminal): HistoryStore {
  return historyDatabase(stateDirectory(process.env, homedir()), (sentence) => say([visible(sentence)]))
}

/** The inventory as the record has it: files by their whole path. */
export function inventoryName({ inventory, inventoryOption }: TargetWords): string {
  return absoluteInventory(inventoryPath(inventory ?? inventoryOption, process.env), process.cwd())
}

/** What tells one series of audits from another. */
export function seriesOf(
  words: TargetWords & { readonly policy?: string | undefined; readonly where?: string | undefined },
): AuditSeries {
  const only = [
    ...(words.limit === undefined ? [] : [`--limit ${words.limit}`]),
    ...(words.where === undefined ? [] : [`--where ${words.where}`]),
  ]
  return {
    inventory: inventoryName(words),
    only: only.length === 0 ? null : only.join(' '),
    policy: words.policy === undefined ? null : resolve(words.policy),
  }
}

/** What a command has read, for the trend. A record that cannot be written spoils no command. */
export async function keepSamples({ taken }: Sampler, terminal: Terminal): Promise<void> {
  await orSay(terminal, 'What was read was not kept for ctfleet trend', async () => {
    await openHistory(terminal).keepSamples(taken())
  })
}

/** @returns null where it failed, which is said after `what`. */
export async function orSay<T>({ say }: Terminal, what: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    say([visible(`${what}: ${error instanceof Error ? error.message : String(error)}`)])
    return null
  }
}
