import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Real rule sets that others published, kept outside this repository; null where they are not at hand. */
export const corpus: string | null = folder()

export const NO_CORPUS = 'no rule sets at hand: set CTFLEET_CORPUS to a folder with labels.tsv and 01-iptables-save'

export function textOf(at: string, path: string): string {
  return readFileSync(join(at, path), 'utf8')
}

/** Every file below a folder of the corpus, by its path in it; none where the corpus has no such folder. */
export function filesBelow(at: string, folder: string): readonly string[] {
  if (!existsSync(join(at, folder))) return []
  return readdirSync(join(at, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(join(at, path)).isFile())
    .sort()
}

function folder(): string | null {
  const at = process.env.CTFLEET_CORPUS ?? resolve('../shared/corpus')
  return existsSync(join(at, 'labels.tsv')) ? at : null
}
