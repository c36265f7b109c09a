import { z } from '../input/schema.ts'
import { known, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

type Want = { readonly key: string; readonly value: number }
type State = { readonly path: string; readonly value: string }

/** One setting under /proc/sys, through the newest path of it that the kernel has. */
export const sysctl: StepKindSpec<Want, State> = {
  kind: 'sysctl',
  summary: 'sets one kernel setting at once, until the next reboot',
  phase: 'runtime',
  want: z.strictObject({
    key: z
      .string()
      .regex(/^[a-z0-9_]+(?:\.[a-z0-9_-]+)+$/, 'expected a sysctl key such as net.netfilter.nf_conntrack_max'),
    value: z.number().int().nonnegative(),
  }),
  title: ({ key, value }) => `set ${key} to ${value}`,
  probe: ({ key }) => sh`for path in ${pathsOf(key)}; do
  if [ -e "$path" ]; then
    printf '%s ' "$path"
    cat -- "$path"
    break
  fi
done`,
  read(probed, { key }) {
    const match = /^(\/proc\/sys\/\S+) (\S+)\n$/.exec(probed)
    const [, path, value] = match ?? []
    if (path === undefined || value === undefined) {
      return unknown(
        probed === '' ? `this kernel has no ${key} now` : `${key} reads ${JSON.stringify(probed.slice(0, 80))}`,
      )
    }
    return known({ path, value })
  },
  goal: (now, { value }) => ({ path: now.path, value: String(value) }),
  transition: (_from, to) => sh`printf '%s\n' ${to.value} > ${to.path}
[ "$(cat -- ${to.path})" = ${to.value} ]`,
  show: (state, { key }) => [`${key} = ${state.value}`],
  relief: (from, to) =>
    LIMIT_PATHS.includes(from.path) && isNumeral(from.value)
      ? { relief: 'max', from: Number(from.value), to: Number(to.value) }
      : null,
}

/**
 * The places a setting may have, newest first. Conntrack's moved from net.ipv4.netfilter.ip_conntrack_* (before 2.6.22)
 * to net.netfilter.nf_conntrack_*; kernels in between have both, as aliases.
 */
export function pathsOf(key: string): readonly string[] {
  const path = `/proc/sys/${key.replaceAll('.', '/')}`
  const conntrack = /^net\.netfilter\.nf_conntrack_(.+)$/.exec(key)?.[1]
  if (conntrack === undefined) return [path]
  return [
    path,
    `/proc/sys/net/ipv4/netfilter/ip_conntrack_${conntrack}`,
    ...(conntrack === 'max' ? ['/proc/sys/net/nf_conntrack_max', '/proc/sys/net/ipv4/ip_conntrack_max'] : []),
  ]
}

const LIMIT_PATHS = pathsOf('net.netfilter.nf_conntrack_max')

function isNumeral(text: string): boolean {
  return /^\d{1,15}$/.test(text)
}
