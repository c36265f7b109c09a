import type { JournalRecord, JournalWord } from './records.ts'

/** Where a transaction stands: waiting for the confirmation, or ended in one of four ways. */
export type Standing = 'refused' | 'applied' | 'committed' | 'rolled-back' | 'needs-hands'

const STANDINGS: ReadonlySet<JournalWord> = new Set<Standing>([
  'refused',
  'applied',
  'committed',
  'rolled-back',
  'needs-hands',
])

/** Null while it is on its way, as first aid is whose time is over. What was committed, or needs hands, stays so when an undo of it is refused. */
export function standingOf(records: readonly JournalRecord[]): Standing | null {
  let standing: Standing | null = null
  for (const { word } of records) {
    if (word === 'undoing' || (word === 'expired' && standing === 'committed')) standing = null
    else if (isStanding(word) && !(word === 'refused' && standing !== null && standing !== 'applied')) standing = word
  }
  return standing
}

/** When a committed change takes itself back, in seconds since the epoch by the host's clock; null: it stays. */
export function keptUntil(records: readonly JournalRecord[]): number | null {
  const detail = records.findLast(({ word }) => word === 'committed')?.detail ?? ''
  const until = /^until (\d{1,12})$/.exec(detail)?.[1]
  return until === undefined ? null : Number(until)
}

function isStanding(word: JournalWord): word is Standing {
  return STANDINGS.has(word)
}
