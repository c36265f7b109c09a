import { z } from '../input/schema.ts'
import { known, unknown } from '../model/reading.ts'
import { lines, sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

type Want = { readonly buckets: number }
type State = {
  readonly buckets: number
  /** The file that changes it: the sysctl, or on older kernels the module parameter. */
  readonly path: string
  /** The kernel rounds up to a whole page of bucket heads: 512 of them on 4 KiB pages and 64 bits. */
  readonly granule: number
}

const SYSCTL = '/proc/sys/net/netfilter/nf_conntrack_buckets'
const PARAMETERS = ['/sys/module/nf_conntrack/parameters/hashsize', '/sys/module/ip_conntrack/parameters/hashsize']

/** The number of hash buckets of the connection-tracking table. */
export const hashSize: StepKindSpec<Want, State> = {
  kind: 'hash-size',
  summary: 'sets the number of hash buckets at once, until the next reboot',
  phase: 'runtime',
  want: z.strictObject({ buckets: z.number().int().positive() }),
  title: ({ buckets }) => `set the hash table to ${buckets} buckets`,
  // The module parameter tells the truth where both exist: from 4.7 to 5.10 the sysctl stays stale after a write to it.
  probe: () =>
    sh`for path in ${PARAMETERS} ${SYSCTL}; do
  if [ -r "$path" ]; then
    printf 'buckets '
    cat -- "$path"
    break
  fi
done
for path in ${SYSCTL} ${PARAMETERS}; do
  # Opening it is the test: busybox holds that root may write everything.
  if [ -e "$path" ] && ( : >> "$path" ) 2> /dev/null; then
    printf 'path %s\n' "$path"
    break
  fi
done
printf 'page '
grep -s -m 1 KernelPageSize /proc/self/smaps || printf '\n'
printf 'machine '
uname -m`,
  read(probed) {
    const buckets = /^buckets (\d{1,12})$/m.exec(probed)?.[1]
    const path = /^path (\/\S+)$/m.exec(probed)?.[1]
    if (buckets === undefined) return unknown('no hash size is readable: connection tracking is not loaded')
    if (path === undefined) return unknown('neither nf_conntrack_buckets nor the module parameter can be written here')
    const pageKib = Number(/^page KernelPageSize: +(\d+) kB$/m.exec(probed)?.[1] ?? '4')
    const pointerBytes = /^machine .*64|^machine (?:s390x|alpha)/m.test(probed) ? 8 : 4
    return known({ buckets: Number(buckets), path, granule: (pageKib * 1024) / pointerBytes })
  },
  goal: (now, { buckets }) => ({ ...now, buckets: Math.ceil(buckets / now.granule) * now.granule }),
  transition: (_from, to) =>
    lines(
      sh`printf '%s\n' ${to.buckets} > ${to.path}`,
      sh`for path in ${PARAMETERS} ${SYSCTL}; do
  if [ -r "$path" ]; then
    [ "$(cat -- "$path")" = ${to.buckets} ]
    exit
  fi
done
exit 1`,
    ),
  show: (state) => [`buckets = ${state.buckets}`],
}
