import { inject } from 'vitest'

/** What to run for ctfleet, in a journey. */
export function programWords(): readonly [string, string] {
  return [process.execPath, inject('program')]
}
