import { bucketsOf } from '../model/buckets.ts'
import type { Facts } from '../model/facts.ts'

/**
 * Whether a running value may be the kernel's own, so that no file need make it.
 * Timeouts are those of nf_conntrack_proto_{tcp,udp,icmp,icmpv6,generic,gre}.c, of all versions together; max is 1, 4 or 8 times the
 * buckets, which follow from memory (nf_conntrack_init_start in nf_conntrack_core.c), and the two are not tied to each
 * other once either was set, so that a max counts as the kernel's own too where it is what most machines get.
 */
export function mayBeDefault(key: string, value: number, { conntrack, memory }: Facts): boolean {
  const known = TIMEOUTS.get(key)
  if (known !== undefined) return known.includes(value)
  if (key === 'buckets') return mayBeDefaultBuckets(value, memory)
  if (key !== 'max') return true
  const heads = bucketsOf(conntrack)
  return USUAL_MAX.has(value) || !heads.known || [1, 4, 8].some((factor) => value === heads.value * factor)
}

const USUAL_MAX: ReadonlySet<number> = new Set([65_536, 262_144])

/** 65 536 and 262 144 above 4 GiB, 16 384 and 65 536 above 1 GiB; below that a part of memory, in whole pages. */
function mayBeDefaultBuckets(value: number, { total }: Facts['memory']): boolean {
  if ([1024, 16_384, 65_536, 262_144].includes(value) || !total.known) return true
  // MemTotal is less than what the kernel counted while it started.
  const least = total.value / 16_384 / 8
  return total.value < 2 ** 30 * 1.1 && value >= least * 0.9 && value <= least * 2 * 1.3
}

const TIMEOUTS: ReadonlyMap<string, readonly number[]> = new Map([
  ['tcp_timeout_syn_sent', [120]],
  ['tcp_timeout_syn_recv', [60]],
  ['tcp_timeout_established', [432_000]],
  ['tcp_timeout_fin_wait', [120]],
  ['tcp_timeout_close_wait', [60]],
  ['tcp_timeout_last_ack', [30]],
  ['tcp_timeout_time_wait', [120]],
  ['tcp_timeout_close', [10]],
  ['tcp_timeout_max_retrans', [300]],
  ['tcp_timeout_unacknowledged', [300]],
  ['udp_timeout', [30]],
  ['udp_timeout_stream', [120, 180]],
  ['icmp_timeout', [30]],
  ['icmpv6_timeout', [30]],
  ['generic_timeout', [600]],
  ['gre_timeout', [30]],
  ['gre_timeout_stream', [180]],
])
