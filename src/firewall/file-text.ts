import { cksum } from '../shell/cksum.ts'
import { sha256 } from '../shell/script.ts'
import type { Backend, Family } from './rules.ts'

/**
 * What is to be done to the text of a rule file: lines that come and lines that go, and the sums by which the old text and the
 * new one are known.
 */
export type FileChange = {
  readonly path: string
  /** Which program the file is for. */
  readonly reads: Backend
  readonly family: Family | 'inet'
  /** There was no such file. */
  readonly made: boolean
  readonly before: TextSum
  readonly after: TextSum
  /** Top-down; none where the text is right as it is. */
  readonly hunks: readonly Hunk[]
  /** Those of the lines that are rules. */
  readonly rules: readonly FileRule[]
}

/** As `sha256sum` prints it, and as `cksum` does: checksum and length in bytes. */
export type TextSum = { readonly sha256: string; readonly cksum: string }

/** `at`: how many lines of the old text are above. `above` and `below` are the lines there that stay, null at the file's ends. */
export type Hunk = {
  readonly at: number
  readonly remove: readonly string[]
  readonly add: readonly string[]
  readonly above: string | null
  readonly below: string | null
}

/** `key`: the comment that a rule of ours carries; of one that goes, any name. */
export type FileRule = { readonly action: 'add' | 'remove'; readonly key: string; readonly line: string }

/** Where lines come: below so many lines of the old text. */
export type Insertion = { readonly at: number; readonly lines: readonly string[] }

/** Comment lines of ours around what is added as a block. */
export const BLOCK_BEGIN = '# ctfleet:notrack: added by ctfleet'
export const BLOCK_END = '# ctfleet:notrack: end'

type Changed = { readonly insertions: readonly Insertion[]; readonly removed: readonly number[] }

/**
 * @param text what the file holds, each line with its end; null: there is no such file
 * @param changed insertions in the order in which they are to stand; numbers of lines that go, from 0
 */
export function fileChange(
  given: Pick<FileChange, 'path' | 'reads' | 'family' | 'rules'>,
  text: string | null,
  changed: Changed,
): FileChange & { readonly text: string } {
  const old = linesOf(text ?? '')
  const hunks = hunksOf(old, changed)
  const after = withHunks(old, hunks)
  return {
    ...given,
    made: text === null,
    before: sumOf(text ?? ''),
    after: sumOf(after),
    hunks,
    text: after,
  }
}

function sumOf(text: string): TextSum {
  const bytes = new TextEncoder().encode(text)
  return { sha256: sha256(text), cksum: `${cksum(bytes)} ${bytes.length}` }
}

/** The lines of a text that ends with the end of a line. */
export function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.slice(0, -1).split('\n')
}

function hunksOf(old: readonly string[], { insertions, removed }: Changed): readonly Hunk[] {
  const gone = new Set(removed)
  const places = [...new Set([...insertions.map(({ at }) => at), ...removed])].sort((a, b) => a - b)
  const hunks: Hunk[] = []
  for (const at of places) {
    if (gone.has(at) && gone.has(at - 1) && !insertions.some((each) => each.at === at)) continue
    let end = at
    while (gone.has(end)) end += 1
    hunks.push({
      at,
      remove: old.slice(at, end),
      add: insertions.flatMap((each) => (each.at === at ? each.lines : [])),
      above: old[at - 1] ?? null,
      below: old[end] ?? null,
    })
  }
  return hunks
}

function withHunks(old: readonly string[], hunks: readonly Hunk[]): string {
  const lines: string[] = []
  let from = 0
  for (const { at, remove, add } of hunks) {
    lines.push(...old.slice(from, at), ...add)
    from = at + remove.length
  }
  lines.push(...old.slice(from))
  return lines.map((line) => `${line}\n`).join('')
}
