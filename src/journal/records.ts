/** One line of the journal on the host's disk: when (seconds since the epoch, by the host's clock), what, about which change. */
export type JournalRecord = {
  readonly at: number
  readonly word: JournalWord
  /** Number of the change, from 1; null where the record is about the whole transaction. */
  readonly change: number | null
  readonly detail: string
}

/**
 * - `armed` the dead-man's switch is running; `intend`, `done`, `failed` one change
 * - `applied` every change is in, waiting for the confirmation; `confirmed` it came; `committed` files are in place too,
 *   or, `until` a moment of the host's clock, there are none and it takes itself back then
 * - `expired`, `aborted` why it is taken back; `undoing` it has begun to be
 * - `undone`, `left` (somebody changed it since), `stuck` (undo did not arrive) one change
 * - `refused` nothing was touched; `rolled-back` all is as before; `needs-hands` it is not
 */
export const JOURNAL_WORDS = [
  'armed',
  'intend',
  'done',
  'failed',
  'applied',
  'confirmed',
  'expired',
  'aborted',
  'committed',
  'undoing',
  'undone',
  'left',
  'stuck',
  'refused',
  'rolled-back',
  'needs-hands',
] as const

export type JournalWord = (typeof JOURNAL_WORDS)[number]

const LINE = /^(\d{1,12}) ([a-z-]{1,20})(?: (\d{1,4}))?(?: (.{0,400}))?$/
const WORDS: ReadonlySet<string> = new Set(JOURNAL_WORDS)

/** Total: a line that is not a record (cut, foreign) is null. */
export function parseRecord(line: string): JournalRecord | null {
  const [, at, word, change, detail] = LINE.exec(line) ?? []
  if (at === undefined || word === undefined || !WORDS.has(word)) return null
  return {
    at: Number(at),
    word: word as JournalWord,
    change: change === undefined ? null : Number(change),
    detail: detail ?? '',
  }
}

export function parseJournal(text: string): readonly JournalRecord[] {
  return text.split('\n').flatMap((line) => parseRecord(line) ?? [])
}
