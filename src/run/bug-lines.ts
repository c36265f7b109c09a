import { visible } from '../report/format.ts'

/** A bug of ours with its stack, for whoever reports it. */
export function bugLines(host: string, bug: unknown): readonly string[] {
  const told = bug instanceof Error ? (bug.stack ?? bug.message) : String(bug)
  return `bug at ${host}: ${told}`.split('\n').map(visible)
}
