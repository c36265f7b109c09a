import { didYouMean } from '../input/nearest.ts'
import type { Run, RunSummary } from '../model/run.ts'
import { visible } from '../report/format.ts'
import type { RunStore } from '../store/store.ts'
import { complainAbout } from './checks.ts'
import { recordPlace } from './record-place.ts'
import { kept } from './state.ts'
import type { Terminal } from './terminal.ts'

/** Which run a person may mean by `last`, and what to say where there is none. */
export type Last = {
  readonly fits: (run: RunSummary, runs: readonly RunSummary[]) => boolean
  readonly none: string
  /** What to type where nothing on record fits; without it, how to see what is. */
  readonly hint?: string
  /** A file may be named in its place. */
  readonly orFile?: true
}

const RUNS = 'see which there are: ctfleet runs'

/**
 * A run that was named on the command line: by its id, the beginning of it, or `last`. Hosts of it that cannot be read are
 * named on stderr.
 * @throws InputError where it is none, or several.
 */
export async function findRun(store: RunStore, wanted: string, last: Last, terminal: Terminal): Promise<Run> {
  const id = wanted === 'last' ? await newest(store, last) : wanted
  const found = await kept(async () => await store.load(id))
  switch (found.type) {
    case 'found':
      terminal.say(found.damaged.map(({ place, why }) => visible(`${place} ${why}; it is left out`)))
      return found.run
    case 'none':
      throw complainAbout(
        wanted,
        last.orFile ? 'no run has this id, and there is no such file' : 'no run has this id',
        didYouMean(wanted, ['last']) ?? last.hint ?? RUNS,
      )
    case 'several':
      throw complainAbout(
        wanted,
        `several runs begin like this: ${found.ids.slice(0, 5).join(', ')}`,
        'type more of the id',
      )
    case 'damaged':
      throw complainAbout(
        found.place,
        found.why,
        'the hosts can tell by themselves: ctfleet rollback --from-hosts INVENTORY, or on each: sh /var/lib/ctfleet/TRANSACTION/undo',
      )
  }
}

async function newest(store: RunStore, { fits, none, hint = RUNS }: Last): Promise<string> {
  const { runs } = await kept(async () => await store.list())
  const run = runs.find((each) => fits(each, runs))
  if (run === undefined)
    throw complainAbout('last', runs.length === 0 ? `${none}: no run is on record in ${recordPlace()}` : none, hint)
  return run.id
}
