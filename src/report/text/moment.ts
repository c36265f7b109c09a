/** In UTC, to the minute. @param epochSeconds by whichever clock told it. */
export function momentText(epochSeconds: number): string {
  return isoMomentText(new Date(epochSeconds * 1000).toISOString())
}

/** In UTC, to the second. @param epochSeconds by whichever clock told it. */
export function secondText(epochSeconds: number): string {
  return `${new Date(epochSeconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** @param moment RFC 3339, UTC. */
export function isoMomentText(moment: string): string {
  return `${moment.slice(0, 16).replace('T', ' ')} UTC`
}
