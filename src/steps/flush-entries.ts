import { deleteEntries, entryPattern, type Flow, flowSchema } from '../firewall/flow-entries.ts'
import { known, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

type State = { readonly entries: 'some' | 'none' }

/** Deletes the entries of flows to the host's own ports, so that the table empties at once instead of over days. */
export const flushEntries: StepKindSpec<Flow, State> = {
  kind: 'flush-entries',
  summary: 'deletes tracked entries of flows to named local ports',
  phase: 'runtime',
  volatile: true,
  want: flowSchema,
  title: ({ protocol, ports }) => `delete the entries of ${protocol} flows to port ${ports.join(', ')}`,
  probe: (flow) =>
    // Where nothing lists the entries there may be some: deleting none does no harm.
    sh`list=/proc/net/nf_conntrack
[ -e $list ] || list=/proc/net/ip_conntrack
grep -q -E ${entryPattern(flow)} $list 2> /dev/null
case $? in
1) echo none ;;
*) echo some ;;
esac`,
  read(probed) {
    if (probed === 'some\n' || probed === 'none\n') return known({ entries: probed.trim() as State['entries'] })
    return unknown('the host did not say whether it has such entries')
  },
  goal: () => ({ entries: 'none' }),
  // Entries that are gone have nothing to be put back: the flows go on, tracked anew or untracked.
  transition: (_from, to, flow) => (to.entries === 'none' ? deleteEntries(flow) : sh`:`),
  show: (state, { protocol, ports }) => [`${state.entries} for ${protocol} port ${ports.join(', ')}`],
}
