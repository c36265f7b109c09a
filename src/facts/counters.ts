import type { CounterFacts, CounterSample } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { Section } from '../shell/bundle.ts'
import { type Script, sh } from '../shell/script.ts'
import { type Fact, linesOf, notUnderstood, readWith } from './fact.ts'

/** Where the kernel counts; the first that is there. Readable for every user, one table for each network namespace. */
const FILES = ['/proc/net/stat/nf_conntrack', '/proc/net/stat/ip_conntrack'] as const

const sample = sh`f=
for f in ${FILES}; do
  if [ -r $f ]; then break; else f=; fi
done
echo "file $f"
cat /proc/uptime $f`

/** Between the two readings: `$2` seconds, two unless told; none where the kernel counts nothing. */
export const gap: Script = sh`gap=$2
[ -n "$gap" ] || gap=2
for f in ${FILES}; do
  [ -r $f ] && sleep "$gap" && break
done </dev/null 2>/dev/null`

export const counters: Fact<CounterFacts> = {
  name: 'counters',
  probes: [
    { name: 'counters-first', probe: sample, bytes: 'own' },
    { name: 'counters-second', probe: sample, bytes: 'own' },
  ],
  parse(sections) {
    const first = readWith(sections('counters-first'), sampleIn)
    const second = readWith(sections('counters-second'), sampleIn)
    const growth = (column: string) => readWith(first, (from) => readWith(second, (to) => grown(from, to, column)))
    return {
      first,
      second,
      seconds: readWith(first, (from) => readWith(second, (to) => between(from, to))),
      drop: growth('drop'),
      earlyDrop: growth('early_drop'),
      insertFailed: growth('insert_failed'),
      // The kernel kept the old heading: since 5.15 the column holds the inserts that met a chain that was too long.
      chainTooLong: growth('chainlength'),
      dropTotal: readWith(second.known ? second : first, (latest) => counter(latest, 'drop')),
    }
  },
}

/** Columns by the names in the heading; hexadecimal; one line for each possible CPU. */
function sampleIn({ code, output }: Section): Reading<CounterSample> {
  if (code !== 0) return unknown(`the probe of the counters ended early, with code ${code}`)
  const [file = '', uptime = '', heading = '', ...rows] = linesOf(output, 10_000)
  const at = /^\d{1,12}(\.\d{1,9})?/.exec(uptime)?.[0]
  if (at === undefined) return unknown('/proc/uptime could not be read')
  const path = FILES.find((each) => file === `file ${each}`)
  if (path === undefined) return unknown(`${FILES.join(' and ')} are not there`)
  const names = heading.trim().split(/\s+/)
  if (!names.includes('found')) return notUnderstood(`the heading of ${path}`, heading)
  const filled = rows.filter((row) => row.trim() !== '')
  if (filled.length === 0) return unknown(`${path} has no line for any CPU`)
  const sums = names.map(() => 0)
  for (const row of filled) {
    const cells = row.trim().split(/\s+/)
    if (cells.length < names.length || !cells.every((cell) => /^[0-9a-fA-F]{1,16}$/.test(cell))) {
      return notUnderstood(`a line of ${path}`, row)
    }
    for (const [column, cell] of cells.entries()) sums[column] = (sums[column] ?? 0) + parseInt(cell, 16)
  }
  // The first column repeats the table's total on every line.
  const pairs = names.map((name, column) => [name, sums[column] ?? 0] as const).slice(1)
  return known({ at: Number(at), counters: Object.fromEntries(pairs.filter(([name]) => /^\w{1,40}$/.test(name))) })
}

function between(from: CounterSample, to: CounterSample): Reading<number> {
  const seconds = Math.round((to.at - from.at) * 100) / 100
  return seconds < 0 ? unknown('/proc/uptime went backwards between the two readings') : known(seconds)
}

function counter({ counters }: CounterSample, column: string): Reading<number> {
  const value = Object.hasOwn(counters, column) ? counters[column] : undefined
  return value === undefined ? unknown(`this kernel does not count ${column}`) : known(value)
}

function grown(from: CounterSample, to: CounterSample, column: string): Reading<number> {
  return readWith(counter(from, column), (before) =>
    readWith(counter(to, column), (after) => {
      if (after >= before) return known(after - before)
      // Each CPU's counter has 32 bits.
      const wrapped = after + 2 ** 32 - before
      return wrapped >= 0 && wrapped < 2 ** 31
        ? known(wrapped)
        : unknown(`${column} went backwards between the two readings`)
    }),
  )
}
