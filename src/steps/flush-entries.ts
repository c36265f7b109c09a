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
    sh`if [ -r /proc/net/nf_conntrack ]; then
  if grep -m 1 -q -E ${entryPattern(flow)} /proc/net/nf_conntrack; then echo some; else echo none; fi
else
  echo unreadable
fi`,
  read(probed) {
    if (probed === 'some\n' || probed === 'none\n') return known({ entries: probed.trim() as State['entries'] })
    return unknown('/proc/net/nf_conntrack is not readable')
  },
  goal: () => ({ entries: 'none' }),
  // Entries that are gone have nothing to be put back: the flows go on, tracked anew or untracked.
  transition: (_from, to, flow) => (to.entries === 'none' ? deleteEntries(flow) : sh`:`),
  show: (state, { protocol, ports }) => [`${state.entries} for ${protocol} port ${ports.join(', ')}`],
}
