import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { Family } from '../../src/firewall/rules.ts'

/** What real packets did with one port of one rule set; null where it was not measured. */
export type Label = {
  /** In labels.tsv, from 1. */
  readonly line: number
  readonly file: string
  readonly family: Family
  /** Null where no port could be tried. */
  readonly port: number | null
  readonly verdict: string
  /** Whether iptables-restore takes the file. */
  readonly loads: boolean | null
  /** Which rule translates the port. */
  readonly natCovers: string | null
  /** `ok`, or how it failed: as the rules are, */
  readonly reachable: string | null
  /** with NOTRACK both ways, */
  readonly notrackBoth: string | null
  /** with that and an accept of all that is untracked in INPUT, */
  readonly acceptIn: string | null
  /** and one in OUTPUT too. */
  readonly acceptBoth: string | null
}

/** The folder is not of the form that can be judged: `labels.tsv:3:14 port: expected …`. */
export class NotAFolder extends Error {}

/**
 * Reads labels.tsv of a folder: a line of column names, then one line a rule set and port; cells are parted by tabs. Columns
 * `file`, `port` and `verdict` must be there, in any order, beside others. @throws NotAFolder with file, line and column.
 */
export function readFolder(at: string): readonly Label[] {
  const path = join(at, 'labels.tsv')
  if (!existsSync(path)) throw new NotAFolder(`${path}: not there; it names the files to judge and what packets did`)
  const lines = readFileSync(path, 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
  const names = (lines[0] ?? '').split('\t').map((name) => name.trim())
  const fail = (line: number, column: number, cause: string): never => {
    throw new NotAFolder(`${path}:${line}:${column} ${cause}`)
  }
  for (const name of REQUIRED)
    if (!names.includes(name)) fail(1, 1, `expected a column "${name}", found ${shown(names)}`)

  if (lines.slice(1).every((text) => text.trim() === '')) fail(2, 1, 'expected a rule set and port, found no row')
  return lines.slice(1).flatMap((text, index): Label[] => {
    if (text.trim() === '') return []
    const line = index + 2
    const cells = text.split('\t')
    const column = (at: number) => cells.slice(0, at).join('\t').length + (at > 0 ? 2 : 1)
    const cell = (...known: readonly string[]): { readonly at: number; readonly text: string | null } => {
      const at = names.findIndex((name) => known.includes(name))
      const found = cells[at]?.trim() ?? ''
      return { at, text: at === -1 || found === '' || found === '-' ? null : found }
    }
    const expected = (what: string, { at, text }: ReturnType<typeof cell>): never =>
      fail(line, column(at), `${names[at]}: expected ${what}, found ${JSON.stringify(text ?? cells[at] ?? '')}`)

    const file = cell('file')
    if (file.text === null) return expected('the path of a file', file)
    if (!isFileIn(at, file.text)) return expected('a file in this folder, of 64 MiB at most', file)
    const verdict = cell('verdict')
    if (verdict.text === null) return expected('what packets said', verdict)
    const family = cell('family')
    const isFamily = FAMILIES.get(family.text ?? 'ip')
    if (isFamily === undefined) return expected('ip or ip6', family)
    const port = cell('port')
    const number = port.text === null ? null : Number(port.text)
    const untried = verdict.text.startsWith(NOT_TESTABLE)
    if (number === null ? !untried : !Number.isInteger(number) || number < 1 || number > 65_535) {
      return expected('a port from 1 to 65535', port)
    }
    const nat = cell('nat_covers_port').text
    const loads = cell(...names.filter((name) => name.startsWith('loads'))).text
    return [
      {
        line,
        file: file.text,
        family: isFamily,
        port: untried ? null : number,
        verdict: verdict.text,
        loads: loads === null ? null : !/^no\b/i.test(loads),
        natCovers: nat === 'no' ? null : nat,
        reachable: cell('reachable_now').text,
        notrackBoth: cell('NOTRACK_both').text,
        acceptIn: cell('+UNTRACKED_INPUT').text,
        acceptBoth: cell('+UNTRACKED_INPUT+OUTPUT').text,
      },
    ]
  })
}

export const NOT_TESTABLE = 'not testable'

const REQUIRED = ['file', 'port', 'verdict'] as const
const FAMILIES: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['ip', 'ip'],
  ['ip4', 'ip'],
  ['ipv4', 'ip'],
  ['ip6', 'ip6'],
  ['ipv6', 'ip6'],
])

/** Not by way of `..` or a link that leads out of it. */
function isFileIn(at: string, name: string): boolean {
  const path = join(at, name)
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isFile() !== true || found.size > LARGEST) return false
  return realpathSync(path).startsWith(realpathSync(at) + sep)
}

const LARGEST = 64 * 1024 * 1024

function shown(names: readonly string[]): string {
  return names
    .slice(0, 30)
    .map((name) => JSON.stringify(name.slice(0, 60)))
    .join(', ')
}
