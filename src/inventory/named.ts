import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { AND, asOne } from './as-one.ts'
import { isHostList } from './host-list.ts'

/** The inventories that a text names, in their order: later ones win. */
export function sourcesIn(named: string): readonly string[] {
  return existsSync(named) ? [named] : named.split(AND)
}

/** The same inventories, as they are named from everywhere. */
export function absoluteInventory(named: string, cwd: string): string {
  return asOne(sourcesIn(named).map((source) => absoluteSource(source, cwd)))
}

/** Hosts that are named in place of a file have no place. */
export function absoluteSource(source: string, cwd: string): string {
  return !existsSync(resolve(cwd, source)) && isHostList(source) ? source : resolve(cwd, source)
}
