import { launch } from '../../src/journal/conversation.ts'
import { parseJournal } from '../../src/journal/records.ts'
import type { Host } from '../../src/model/host.ts'
import type { Plan } from '../../src/model/plan.ts'
import { poll } from '../lab/command.ts'
import type { LabHost } from '../lab/index.ts'
import { opened } from './lab-host.ts'

/** Starts a plan's transaction with time limits of our own, and lets go of it once it waits or has ended. */
export async function launched(
  host: Host,
  plan: Plan,
  { transaction, window, confirmWithin }: { transaction: string; window: number; confirmWithin: number },
): Promise<readonly string[]> {
  await using session = await opened(host)
  const words: string[] = []
  await session.run(launch(plan.script), {
    as: 'root',
    timeoutMs: (window + 60) * 1000,
    arguments: [transaction, String(window), String(confirmWithin)],
    onLine: (line) => void words.push(...parseJournal(line).map(({ word }) => word)),
  })
  return words
}

/** The words of a transaction's journal, as the host has it. */
export async function journalOf(host: LabHost, transaction: string): Promise<readonly string[]> {
  const { stdout } = await host.exec(`cat /var/lib/ctfleet/${transaction}/journal`)
  return parseJournal(stdout).map(({ word }) => word)
}

/** Waits until the journal holds a word; throws with the journal when it does not come. */
export async function untilSaid(host: LabHost, transaction: string, word: string, seconds = 40): Promise<void> {
  const said = await poll(async () => ((await journalOf(host, transaction)).includes(word) ? true : undefined), {
    everyMs: 100,
    timeoutSeconds: seconds,
  })
  if (said === true) return
  const { stdout } = await host.exec(`cat /var/lib/ctfleet/${transaction}/journal /var/lib/ctfleet/${transaction}/log`)
  throw new Error(`${host.name} never said ${word}: ${stdout}`)
}

/** What is left of ctfleet on a host; nothing after a transaction that took itself back. */
export async function remains(host: LabHost): Promise<string> {
  return (await host.exec('ls -A /var/lib/ctfleet 2> /dev/null; ls -d /var/lib/ctfleet 2> /dev/null')).stdout
}
