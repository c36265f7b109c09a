/** The first of them that was there before; undefined where each is there once. Lists are of hosts, and may be long. */
export function firstTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return names.find((name) => seen.has(name) || !seen.add(name))
}
