import { constants } from 'node:fs'
import { access, chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pid } from 'node:process'
import type { Run } from '../model/run.ts'
import { printRun, readRun } from './read-run.ts'
import { stillApplied } from './standing.ts'
import type { Damaged, Found, RunStore } from './store.ts'

/** Where runs are kept: CTFLEET_STATE, else `ctfleet` under XDG_STATE_HOME, else under `~/.local/state`. */
export function stateDirectory(environment: { readonly [name: string]: string | undefined }, home: string): string {
  if (environment.CTFLEET_STATE) return environment.CTFLEET_STATE
  const base = environment.XDG_STATE_HOME?.startsWith('/') ? environment.XDG_STATE_HOME : join(home, '.local', 'state')
  return join(base, 'ctfleet')
}

/** One JSON file a run in `<state>/runs`, for its owner alone (directory 0700, files 0600: they tell where hosts and keys are). */
export function fileStore(state: string): RunStore {
  const directory = join(state, 'runs')
  return {
    async prepare() {
      await makeOwn(directory)
      await access(directory, constants.W_OK | constants.X_OK)
    },

    async save(run) {
      await makeOwn(directory)
      await writeWhole(directory, `${run.id}.json`, printRun(run))
    },

    async list() {
      const read = await Promise.all((await idsIn(directory)).map((id) => readFrom(directory, id)))
      const runs = read.filter((each) => 'run' in each).map(({ run }) => run)
      return { runs: runs.toSorted(newestFirst), damaged: read.filter((each) => 'why' in each) }
    },

    async load(wanted) {
      if (wanted === 'last') return newestApply(await this.list())
      const ids = await idsIn(directory)
      const matching = ids.includes(wanted) ? [wanted] : ids.filter((id) => id.startsWith(wanted))
      const [id, ...more] = matching
      if (id === undefined || wanted === '') return { type: 'none' }
      if (more.length > 0) return { type: 'several', ids: matching.toReversed() }
      const read = await readFrom(directory, id)
      return 'run' in read ? { type: 'found', run: read.run } : { type: 'damaged', ...read }
    },
  }
}

/** An apply that changed nothing, or that was taken back whole, is not what a person means by the last one. */
function newestApply({ runs }: { readonly runs: readonly Run[] }): Found {
  // One that was cut off may have changed hosts: it must not be passed over in silence.
  const run = runs.find(
    (each) => each.command === 'apply' && (each.endedAt === null || stillApplied(each, runs).length > 0),
  )
  return run === undefined ? { type: 'none' } : { type: 'found', run }
}

/** By the minute in the id alone two runs of one minute would stand in any order. */
function newestFirst(a: Run, b: Run): number {
  return Date.parse(b.startedAt) - Date.parse(a.startedAt) || (a.id < b.id ? 1 : -1)
}

async function idsIn(directory: string): Promise<readonly string[]> {
  try {
    const names = await readdir(directory)
    // Names with a dot in front are files that were being written when somebody pulled the plug.
    return names
      .filter((name) => /^[^.].*[.]json$/.test(name))
      .map((name) => name.slice(0, -'.json'.length))
      .sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

async function readFrom(directory: string, id: string): Promise<{ readonly run: Run } | Damaged> {
  const place = join(directory, `${id}.json`)
  try {
    const run = readRun(await readFile(place, 'utf8'))
    if ('why' in run) return { place, why: run.why }
    return run.id === id ? { run } : { place, why: `holds run ${run.id}, not the one it is named after` }
  } catch (error) {
    return { place, why: `cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}

async function makeOwn(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
}

/** A reader sees the old text or the new one, whatever happens in between. */
async function writeWhole(directory: string, name: string, text: string): Promise<void> {
  const temporary = join(directory, `.${name}.${pid}.${counter++}`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, join(directory, name))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(directory)
}

let counter = 0

/** Without it the rename itself may be lost in a power cut; file systems that cannot do it are no reason to fail. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync().catch(() => undefined)
  } finally {
    await handle.close()
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
