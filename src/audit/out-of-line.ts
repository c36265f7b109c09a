import { duration, grouped } from '../diagnosis/numbers.ts'
import type { AuditTraits } from '../model/audit.ts'
import type { Facts } from '../model/facts.ts'
import type { Reading } from '../model/reading.ts'
import type { Found } from './audit-rule.ts'
import { runningValue } from './boot-settings.ts'

/** A host of the fleet, by what its group is expected to share. */
export type Member = { readonly host: string; readonly groups: readonly string[]; readonly traits: AuditTraits }

export function traitsOf({ conntrack, managers }: Facts): AuditTraits {
  const buckets = runningValue(conntrack, 'buckets')
  return {
    max: conntrack.max,
    buckets: buckets ?? conntrack.buckets,
    timeouts: conntrack.timeouts,
    managers: managers.present,
  }
}

/**
 * Hosts whose max, buckets or timeouts are not those of more than half of their group. A host is held against the smallest of
 * its groups that is large enough: those above it hold machines for other purposes.
 * @param fewest hosts that a group must have
 */
export function outOfLine(members: readonly Member[], fewest: number): ReadonlyMap<string, Found> {
  const groups = largeGroups(members, fewest)
  const found = new Map<string, Found>()
  for (const member of members) {
    const [own] = member.groups
      .flatMap((name) => groups.get(name) ?? [])
      .toSorted((a, b) => a.members.length - b.members.length)
    if (own === undefined) continue
    const odd = keysOf(member).flatMap((key): readonly Odd[] => {
      const value = traitOf(member.traits, key)
      const usual = usualIn(own, key)
      return value === undefined || usual === null || usual.value === value ? [] : [{ key, value, usual }]
    })
    if (odd.length > 0) found.set(member.host, foundOf(odd, own.name, fewest))
  }
  return found
}

/** `usual`: what most of them have, by key, as far as it was asked for. */
type Group = { readonly name: string; readonly members: readonly Member[]; readonly usual: Map<string, Usual | null> }
type Usual = { readonly value: number; readonly many: number; readonly told: number }
type Odd = { readonly key: string; readonly value: number; readonly usual: Usual }

function largeGroups(members: readonly Member[], fewest: number): ReadonlyMap<string, Group> {
  const all = new Map<string, Member[]>()
  for (const member of members) {
    for (const name of member.groups) {
      const group = all.get(name)
      if (group === undefined) all.set(name, [member])
      else group.push(member)
    }
  }
  return new Map(
    [...all]
      .filter(([name, group]) => name !== 'all' && name !== 'ungrouped' && group.length >= fewest)
      .map(([name, group]) => [name, { name, members: group, usual: new Map() }]),
  )
}

/** The value that more than half of those that told it have; null where there is none. */
function usualIn({ members, usual }: Group, key: string): Usual | null {
  const known = usual.get(key)
  if (known !== undefined) return known
  const told = members.flatMap(({ traits }) => traitOf(traits, key) ?? [])
  const counts = new Map<number, number>()
  for (const each of told) counts.set(each, (counts.get(each) ?? 0) + 1)
  const [value, many] = [...counts].find(([, count]) => count > told.length / 2) ?? []
  const found = value === undefined || many === undefined ? null : { value, many, told: told.length }
  usual.set(key, found)
  return found
}

function keysOf({ traits: { timeouts } }: Member): readonly string[] {
  return ['max', 'buckets', ...(timeouts.known ? Object.keys(timeouts.value) : [])]
}

function traitOf({ max, buckets, timeouts }: AuditTraits, key: string): number | undefined {
  const valueIn = (reading: Reading<number>) => (reading.known ? reading.value : undefined)
  if (key === 'max') return valueIn(max)
  if (key === 'buckets') return valueIn(buckets)
  return timeouts.known && Object.hasOwn(timeouts.value, key) ? timeouts.value[key] : undefined
}

function foundOf(odd: readonly Odd[], group: string, fewest: number): Found {
  const text = (key: string, value: number) => (key.includes('timeout') ? duration(value) : grouped(value))
  return {
    title: `not as the other hosts of ${group}: ${odd.map(({ key }) => key).join(', ')}`,
    evidence: odd.map(
      ({ key, value, usual }) =>
        `${key} is ${text(key, value)}; ${grouped(usual.many)} of ${grouped(usual.told)} have ${text(key, usual.value)}`,
    ),
    threshold: `a group of at least ${fewest}, more than half of which have the same value`,
    remedy: 'ctfleet facts --limit HOST',
  }
}
