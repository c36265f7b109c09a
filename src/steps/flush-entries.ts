import { deleteEntries, entryPattern, type Flow, flowSchema } from '../firewall/flow-entries.ts'
import { known, unknown } from '../model/reading.ts'
import { type Script, sh } from '../shell/script.ts'
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
  probe: listing,
  read(probed) {
    if (probed === 'some\n' || probed === 'none\n') return known({ entries: probed.trim() as State['entries'] })
    return unknown('the host did not say whether it has such entries')
  },
  goal: () => ({ entries: 'none' }),
  // Entries that are gone have nothing to be put back: the flows go on, tracked anew or untracked.
  // A deletion walks the table while it changes, and a packet on its way may still bring an entry in: look, and go again.
  transition: (_from, to, flow) =>
    to.entries === 'none'
      ? sh`for again in 1 2 3; do
( ${deleteEntries(flow)}
) || exit
( ${listing(flow)}
) | grep -q some || exit 0
sleep 1
done`
      : sh`:`,
  show: (state, { protocol, ports }) => [`${state.entries} for ${protocol} port ${ports.join(', ')}`],
}

/** Prints `some` or `none`. Where nothing lists the entries there may be some: deleting none does no harm. */
function listing(flow: Flow): Script {
  return sh`list=/proc/net/nf_conntrack
[ -e $list ] || list=/proc/net/ip_conntrack
grep -q -E ${entryPattern(flow)} $list 2> /dev/null
case $? in
1) echo none ;;
*) echo some ;;
esac`
}
