import type { HostResult } from '../model/result.ts'
import type { Run } from '../model/run.ts'
import { visible } from '../report/format.ts'
import { listed } from '../report/text/listed.ts'
import { STOPPED } from '../run/fleet.ts'

/** Where only a part was done, which hosts are left, and what to type for them; nothing where none is. */
export function leftLines(
  { command, of }: Pick<Run, 'command' | 'of'>,
  ended: readonly HostResult[],
): readonly string[] {
  const left = ended.filter(command === 'rollback' ? isStillChanged : isForLater).map(({ host }) => visible(host))
  if (left.length === 0) return []
  if (command === 'rollback') {
    const next = of === null ? '' : ` To take that back too: ctfleet rollback ${of}`
    return [`Still changed: ${listed(left, 20)}.${next}`]
  }
  if (!ended.some(({ status }) => status === 'applied')) return []
  const limit = left.length <= 20 ? `--limit ${left.join(',')}` : 'a --limit that names them'
  return [`To go on with ${listed(left, 20)}: the same command with ${limit}`]
}

/** Skipped by a person, or not begun because a person stopped the run; of all others their result says what to do. */
function isForLater(result: HostResult): boolean {
  return result.status === 'skipped' ? result.why === undefined : isStopped(result)
}

function isStillChanged(result: HostResult): boolean {
  return result.status === 'skipped' || result.status === 'declined' || isStopped(result)
}

function isStopped(result: HostResult): boolean {
  return result.status === 'not-reached' && result.why === STOPPED
}
