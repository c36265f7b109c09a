import type { AuditRule } from './audit-rule.ts'
import { notInForce, notPersistent } from './rules/after-reboot.ts'
import { droppedLately, droppingNow, evicting, hashTooSmall, nearFull } from './rules/diagnosed.ts'
import { droppedSince } from './rules/dropped-since.ts'
import { ipv6Forgotten } from './rules/ipv6-forgotten.ts'
import { notrackBroken } from './rules/notrack-broken.ts'
import { notrackHalf } from './rules/notrack-half.ts'
import { longTimeouts, maxAboveMemory } from './rules/table-size.ts'
import { trackingUnneeded } from './rules/tracking-unneeded.ts'
import { underWay } from './rules/under-way.ts'

/** What is asked of each host by itself; in this order a report tells of findings that are equally bad. */
export const AUDIT_RULES = [
  droppingNow,
  nearFull,
  evicting,
  droppedSince,
  droppedLately,
  notrackBroken,
  notrackHalf,
  hashTooSmall,
  maxAboveMemory,
  longTimeouts,
  notPersistent,
  notInForce,
  ipv6Forgotten,
  trackingUnneeded,
  underWay,
] as const satisfies readonly AuditRule[]

/** What is found otherwise: on a second trip, among hosts, where a reading is missing, and in the policy itself. */
export const OTHER_RULES = [
  { id: 'drift', severity: 'warning', summary: 'what ctfleet applied and is not in force any more' },
  { id: 'out-of-line', severity: 'warning', summary: 'a host out of line with its group' },
  { id: 'cannot-tell', severity: 'warning', summary: 'what could not be read, and so not be judged' },
  { id: 'waiver-over', severity: 'warning', summary: 'a waiver whose day is past' },
  { id: 'waiver-idle', severity: 'info', summary: 'a waiver that is for no host of this inventory' },
] as const satisfies readonly Omit<AuditRule, 'judge'>[]

export const RULE_IDS: readonly string[] = [...AUDIT_RULES, ...OTHER_RULES].map(({ id }) => id)
