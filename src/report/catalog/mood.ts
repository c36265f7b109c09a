import type { Mood } from '../../model/review.ts'
import type { Piece } from '../format.ts'

/** A tone of the text report, as the other formats have it. */
export function toneToMood(piece: Piece): Mood {
  const tone = typeof piece === 'string' ? 'faint' : piece.tone
  return tone === 'good' || tone === 'warn' || tone === 'bad' ? tone : 'faint'
}
