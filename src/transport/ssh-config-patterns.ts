/** Patterns of ssh_config(5) and known_hosts: `*` any number of characters, `?` one, and nothing else means anything. */

/** Walks back to the last star alone, so no pattern takes more than length times length. */
export function matchesPattern(name: string, pattern: string): boolean {
  let [at, star, from] = [0, -1, 0]
  for (let index = 0; index < name.length; ) {
    if (pattern[at] === '*') [star, from, at] = [at, index, at + 1]
    else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[index])) {
      at++
      index++
    } else if (star === -1) return false
    else [at, from, index] = [star + 1, from + 1, from + 1]
  }
  return /^\**$/.test(pattern.slice(at))
}

/** One pattern of the list that is ruled out (`!`) rules all of them out. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  const hits = patterns.filter((each) => matchesPattern(name, each.startsWith('!') ? each.slice(1) : each))
  return hits.length > 0 && !hits.some((each) => each.startsWith('!'))
}
