import { type FactsDocument, type RecordedHost, readFactsDocument } from '../facts/document.ts'
import { readBounded } from '../input/bounded-file.ts'
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
  const read = await readBounded(path, LIMIT)
  if ('cannot' in read)
    throw complainAbout(path, read.cannot, 'record facts first: ctfleet facts --format json > facts.json')
  return read.toString('utf8')
}
