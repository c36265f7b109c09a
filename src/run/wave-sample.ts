/** Hosts of a wave that are asked again after the pause, at most. */
const SAMPLE = 10

/** Of many hosts some, from all over their order: a wave of a thousand is not asked whole. */
export function someOf<H>(hosts: readonly H[]): readonly H[] {
  const of = hosts.length
  const isChosen = (index: number) => Math.floor((index * SAMPLE) / of) !== Math.floor(((index - 1) * SAMPLE) / of)
  return of <= SAMPLE ? hosts : hosts.filter((_, index) => isChosen(index))
}
