import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Real rule sets that others published, kept outside this repository; null where they are not at hand. */
export const corpus: string | null = folder()

export const NO_CORPUS = 'no rule sets at hand: set CTFLEET_CORPUS to a folder with labels.tsv and 01-iptables-save'

/** One line of labels.tsv: what real packets did. */
export type Label = {
  readonly line: number
  readonly file: string
  readonly family: 'ip' | 'ip6'
  readonly port: number
  readonly verdict: string
  readonly loads: string
  readonly reachable: string
  readonly iface: string
  readonly clientServer: string
  readonly natCovers: string
  readonly notrackBoth: string
  readonly twinIn: string
}

export function labels(at: string): readonly Label[] {
  const [head, ...rows] = readFileSync(join(at, 'labels.tsv'), 'utf8').trimEnd().split('\n')
  const names = (head as string).split('\t')
  return rows.map((row, index) => {
    const cells = row.split('\t')
    const cell = (name: string) => cells[names.indexOf(name)] ?? ''
    return {
      line: index + 2,
      file: cell('file'),
      family: cell('family') === 'ip6' ? 'ip6' : 'ip',
      port: Number(cell('port')),
      verdict: cell('verdict'),
      loads: cell('loads_on_1.8.9'),
      reachable: cell('reachable_now'),
      iface: cell('iface'),
      clientServer: cell('client->server'),
      natCovers: cell('nat_covers_port'),
      notrackBoth: cell('NOTRACK_both'),
      twinIn: cell('+UNTRACKED_INPUT'),
    }
  })
}

export function textOf(at: string, path: string): string {
  return readFileSync(join(at, path), 'utf8')
}

/** Every file below a folder of the corpus, by its path in it. */
export function filesBelow(at: string, folder: string): readonly string[] {
  return readdirSync(join(at, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(join(at, path)).isFile())
    .sort()
}

function folder(): string | null {
  const at = process.env.CTFLEET_CORPUS ?? resolve('../shared/corpus')
  return existsSync(join(at, 'labels.tsv')) ? at : null
}
