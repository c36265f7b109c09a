import {
  type AllEntries,
  allEntriesSchema,
  deleteAllEntries,
  deleteEntries,
  ENTRIES_LEFT,
  entryPattern,
  type Flow,
  flowSchema,
} from '../firewall/flow-entries.ts'
import { z } from '../input/schema.ts'
import { known, unknown } from '../model/reading.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

type Want = Flow | AllEntries
type State = { readonly entries: 'some' | 'none' }

/** Deletes entries at once that would stay for days: of flows to the host's own ports, or all of them where nothing is tracked any more. */
export const flushEntries: StepKindSpec<Want, State> = {
  kind: 'flush-entries',
  summary: 'deletes tracked entries: of flows to named local ports, or all of them',
  phase: 'runtime',
  volatile: true,
  want: z.union([flowSchema, allEntriesSchema]),
  title: (want) =>
    'all' in want
      ? 'delete all entries of this network namespace'
      : `delete the entries of ${want.protocol} flows to port ${want.ports.join(', ')}`,
  probe: listing,
  read(probed) {
    if (probed === 'some\n' || probed === 'none\n') return known({ entries: probed.trim() as State['entries'] })
    return unknown('the host did not say whether it has such entries')
  },
  goal: () => ({ entries: 'none' }),
  // Entries that are gone have nothing to be put back: the flows go on, tracked anew or untracked.
  transition: (_from, to, want) => (to.entries === 'none' ? remove(want) : sh`:`),
  relief: (from, _to, want) =>
    from.entries === 'none' ? null : { relief: 'entries-go', flows: 'all' in want ? 'all' : [want] },
  show: (state, want) => [
    'all' in want
      ? `${state.entries} in the table`
      : `${state.entries} for ${want.protocol} port ${want.ports.join(', ')}`,
  ],
}

function remove(want: Want): Script {
  if ('all' in want) return deleteAllEntries()
  // A deletion walks the table while it changes, and a packet on its way may still bring an entry in: look, and go again.
  return sh`for again in 1 2 3; do
( ${deleteEntries(want)}
) || exit
( ${listing(want)}
) | grep -q some || exit 0
sleep 1
done`
}

/** Prints `some` or `none`. Where nothing lists the entries there may be some: deleting none does no harm. */
function listing(want: Want): Script {
  if ('all' in want) {
    return lines(
      ENTRIES_LEFT,
      sh`case $left in
0) echo none ;;
*) echo some ;;
esac`,
    )
  }
  return sh`list=/proc/net/nf_conntrack
[ -e $list ] || list=/proc/net/ip_conntrack
grep -q -E ${entryPattern(want)} $list 2> /dev/null
case $? in
1) echo none ;;
*) echo some ;;
esac`
}
