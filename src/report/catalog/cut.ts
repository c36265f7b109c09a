import { shortened } from '../format.ts'

/** Characters of one line of a diff: those are what was done, and no line of a file or a rule comes near it. */
const LONGEST_LINE = 100_000

/** Texts without end are cut, and lines of diffs far later. */
export function cut<T>(value: T, most?: number): T {
  if (typeof value === 'string') return shortened(value, most) as T
  if (Array.isArray(value)) return value.map((each) => cut(each, most)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, cut(each, name === 'diff' ? LONGEST_LINE : most)]),
  ) as T
}
