import { existsSync } from 'node:fs'
import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Run } from '../model/run.ts'
import { isMap, isResult, wrongField } from './shape.ts'
import type { Damaged } from './store.ts'

/** Runs as ctfleet kept them up to 0.1, one JSON file each. */
export type OldRuns = { readonly runs: readonly Run[]; readonly damaged: readonly Damaged[] }

export async function readOldRuns(directory: string): Promise<OldRuns> {
  // Names with a dot in front are files that were being written when somebody pulled the plug.
  const names = (await readdir(directory)).filter((name) => /^[^.].*[.]json$/.test(name)).sort()
  const read = await Promise.all(names.map((name) => readFrom(directory, name)))
  return {
    runs: read.flatMap((each) => ('id' in each ? [each] : [])),
    damaged: read.filter((each) => 'why' in each),
  }
}

/** @returns where they are kept from then on, for a person; null where another ctfleet was quicker. */
export async function putAside(directory: string): Promise<string | null> {
  let aside = `${directory}.imported`
  for (let more = 2; existsSync(aside); more++) aside = `${directory}.imported-${more}`
  try {
    await rename(directory, aside)
    return aside
  } catch (error) {
    if (!existsSync(directory)) return null
    throw error
  }
}

async function readFrom(directory: string, name: string): Promise<Run | Damaged> {
  const place = join(directory, name)
  try {
    const run = readRun(await readFile(place, 'utf8'))
    if ('why' in run) return { place, why: run.why }
    return `${run.id}.json` === name ? run : { place, why: `holds run ${run.id}, not the one it is named after` }
  } catch (error) {
    return { place, why: `cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}

function readRun(text: string): Run | { readonly why: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { why: `is not JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  if (!isMap(value)) return { why: 'is not a run' }
  const { version, approvals: _, ...run } = value
  if (version !== 1) return { why: `has version ${JSON.stringify(version)}, not 1` }
  const wrong = wrongField(run) ?? (Array.isArray(run.results) && run.results.every(isResult) ? null : 'results')
  return wrong === null ? (run as Run) : { why: `has no sound ${wrong}` }
}
