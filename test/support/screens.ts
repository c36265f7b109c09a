import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

const KEPT = 'test/journeys/screens'

/**
 * Compares what a terminal shows with the kept screen of that name; what differs is shown as a diff.
 * `CTFLEET_WRITE_SCREENS=1` writes the kept ones anew, to be read before they are kept.
 */
export function sameScreen(name: string, shown: string): void {
  const path = join(KEPT, `${name}.txt`)
  const now = `${normalised(shown).trimEnd()}\n`
  if (process.env.CTFLEET_WRITE_SCREENS === '1') {
    mkdirSync(KEPT, { recursive: true })
    writeFileSync(path, now)
  }
  expect(now, `${path}; CTFLEET_WRITE_SCREENS=1 writes it anew`).toBe(keptIn(path))
}

/** What differs from run to run, in as many columns: ids, addresses, times, and numbers that were measured. */
export function normalised(shown: string): string {
  return (
    PATTERNS.reduce((text, pattern) => text.replace(pattern, blurred), shown)
      .replace(/^(\w[\w ]*: )\d+ (?:min|s)(?: \d+ s)?(?=, )/gm, '$1… s')
      // How long entries stay takes more or fewer columns each time, and with it the lines.
      .replace(
        /half of the entries run\s+out within[^:]*?from a sample/g,
        'half of the entries run out within …\n      from a sample',
      )
      .split('\n')
      .map((line) => line.trimEnd())
      .reduce<readonly string[]>(withHosts, [])
      .join('\n')
  )
}

/** Hosts with the same measured number share a line by chance: here all share it that differ in nothing else. */
function withHosts(lines: readonly string[], line: string): readonly string[] {
  const [, found, hosts] = /^( +(?:critical|warning|info): .*) \(([\w-]+(?:, [\w-]+)*)\)$/.exec(line) ?? []
  const last = lines.at(-1)
  if (found === undefined || last?.startsWith(`${found} (`) !== true) return [...lines, line]
  const all = [...last.slice(found.length + 2, -1).split(', '), ...(hosts ?? '').split(', ')].sort()
  return [...lines.slice(0, -1), `${found} (${all.join(', ')})`]
}

const PATTERNS: readonly RegExp[] = [
  // A run's id, and a moment.
  /\b\d{8}-\d{4}-[0-9a-f]{4}\b/g,
  /\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?/g,
  // Ids of plans and of transactions.
  /(?<=\bplan |\bplans? [^\n]*? |transaction\s+|Plan )[0-9a-f]{10,12}\b/g,
  /\b198\.\d+\.\d+\.\d+\b/g,
  /\/tmp\/ctfleet-[^\s/:]*/g,
  // Measured: how full a table is, shares of a sample, how long entries stay.
  /[\d\u202f]+(?= (?:entries|%))/g,
  /[\d\u202f]+(?= of [\d\u202f]+ entries)/g,
]

function blurred(found: string): string {
  return found.replace(/[0-9a-f]/g, '0').replace(/(?<=\/tmp\/ctfleet-).*/, (rest) => 'x'.repeat(rest.length))
}

function keptIn(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
