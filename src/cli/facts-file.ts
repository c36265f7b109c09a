import { open } from 'node:fs/promises'
import { type FactsDocument, type RecordedHost, readFactsDocument } from '../facts/document.ts'
import { InputError } from '../input/complaint.ts'
import { selectHosts } from '../inventory/select-hosts.ts'
import type { FactsSource } from '../report/json/explanation.ts'
import { complainAbout } from './checks.ts'
import { choosable, type TargetWords } from './targets.ts'

/** Facts of some thousand hosts; more is a file that was not meant. */
const LIMIT = 256 * 1024 * 1024

export type Recorded = { readonly source: FactsSource; readonly hosts: readonly RecordedHost[] }

/**
 * The hosts of a file that `facts --format json` wrote, or of a pipe, as far as the limit leaves them.
 * @throws InputError for what is no such file, and for an inventory that is named besides
 */
export async function recordedFrom(
  path: string,
  { inventory, inventoryOption, limit }: TargetWords,
): Promise<Recorded> {
  if ((inventory ?? inventoryOption) !== undefined) {
    const message = `the hosts come from ${path}, and an inventory is named too: ${inventory ?? inventoryOption}`
    throw complainAbout('--facts', message, 'leave one of the two out; --limit chooses among the hosts of the facts')
  }
  const { takenAt, tool, hosts } = await documentFrom(path)
  const named = choosable(
    path,
    hosts.map(({ host, groups }) => ({ name: host, groups })),
  )
  const chosen = new Set(selectHosts(named, limit).map(({ name }) => name))
  return { source: { facts: path, takenAt, tool }, hosts: hosts.filter(({ host }) => chosen.has(host)) }
}

async function documentFrom(path: string): Promise<FactsDocument> {
  const read = readFactsDocument(await textOf(path))
  if (!('problem' in read)) return read
  const { problem } = read
  throw new InputError([{ ...problem, file: path, line: null, column: null }])
}

async function textOf(path: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const chunks: Buffer[] = []
      let total = 0
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(1024 * 1024))
        if (bytesRead === 0) return Buffer.concat(chunks, total).toString('utf8')
        total += bytesRead
        if (total > LIMIT) throw complainAbout(path, 'is larger than 256 MiB', 'is this the file you meant?')
        chunks.push(buffer.subarray(0, bytesRead))
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof InputError) throw error
    const message = error instanceof Error ? error.message : String(error)
    const why = /^E[A-Z]+: ([^,]+)/.exec(message)?.[1] ?? message
    throw complainAbout(path, `cannot be read: ${why}`, 'record facts first: ctfleet facts --format json > facts.json')
  }
}
