import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { isHostList } from './host-list.ts'

/** Between several inventories in one text, as in CTFLEET_INVENTORY and in a run's record: `prod.yaml + extra-1,`. */
const AND = ' + '

/** The inventories that a text names, in their order: later ones win. */
export function sourcesIn(named: string): readonly string[] {
  return existsSync(named) ? [named] : named.split(AND)
}

/** Several inventories as one text. */
export function asOne(sources: readonly string[]): string {
  return sources.join(AND)
}

/** The same inventories, as they are named from everywhere. */
export function absoluteInventory(named: string, cwd: string): string {
  return asOne(sourcesIn(named).map((source) => absoluteSource(source, cwd)))
}

/** Hosts that are named in place of a file have no place. */
export function absoluteSource(source: string, cwd: string): string {
  return !existsSync(resolve(cwd, source)) && isHostList(source) ? source : resolve(cwd, source)
}
