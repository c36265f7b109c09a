import { counted } from '../../diagnosis/numbers.ts'
import type { LeftOutHosts } from '../../model/result.ts'
import { type Paper, paragraph } from '../format.ts'
import { groups } from './groups.ts'
import { names } from './status.ts'

/** A report about the hosts that are left, if any, and below it how many others there were. */
export function withLeftOut(
  paper: Paper,
  { results, ...others }: LeftOutHosts & { readonly results: readonly unknown[] },
  report: () => readonly string[],
): readonly string[] {
  const below = leftOutLines(paper, others)
  if (below.length === 0) return report()
  return results.length === 0 ? ['No host is left.', ...below] : [...report(), '', ...below]
}

/** How many hosts were left out, and which ones could not be told of, those with the same cause together. */
function leftOutLines(paper: Paper, { leftOut, unsure }: LeftOutHosts): readonly string[] {
  const indent = { first: '', rest: '  ' }
  return [
    ...(leftOut.length === 0
      ? []
      : paragraph(paper, indent, `${counted(leftOut.length, 'host', 'hosts')} left out by --where.`)),
    ...groups(unsure, ({ why }) => why).flatMap(([why, hosts]) =>
      paragraph(
        paper,
        indent,
        { tone: 'warn', text: `--where cannot be told of ${counted(hosts.length, 'host', 'hosts')}` },
        ` (${names(hosts)}): ${why}`,
      ),
    ),
  ]
}
