/** `a, b and c`; of more than `most` the first ones, and how many there are besides: `a, b, c and 9 more`. */
export function listed(words: readonly string[], most: number): string {
  if (words.length > most) return `${words.slice(0, most).join(', ')} and ${words.length - most} more`
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
