/** What the order of a run goes by; a host of the inventory is one. */
export type Placed = {
  readonly name: string
  /** Weakest first, as the inventory ranks them: the last one says best what the host is. */
  readonly groups: readonly string[]
  /** Hosts with the same word stand in for each other. */
  readonly pair?: string
  /** Other hosts of the inventory are reached, or reach others, through it. */
  readonly gateway?: boolean
}

/**
 * The hosts in an order of which every beginning is like the whole: each group's first member comes early, the others at
 * even distances, so that no beginning holds a group almost whole while another is left out. With groups of one size this
 * is round robin. Within a group the inventory's order stays.
 */
export function spread<H extends Placed>(hosts: readonly H[]): readonly H[] {
  const groups = new Map<string, H[]>()
  for (const host of hosts) {
    const group = host.groups.at(-1) ?? ''
    groups.set(group, [...(groups.get(group) ?? []), host])
  }
  const placed = [...groups.values()].flatMap((members) =>
    members.map((host, index) => ({ host, at: index / members.length })),
  )
  // The sort is stable: hosts at the same place stay in the order of their groups.
  return placed.toSorted((a, b) => a.at - b.at).map(({ host }) => host)
}

/** The first `most` hosts of which no two are a pair with each other or with `others`, and the rest in its order. */
export function takeApart<H extends Placed>(
  hosts: readonly H[],
  most: number,
  others: readonly Placed[] = [],
): { readonly taken: readonly H[]; readonly rest: readonly H[] } {
  const pairs = new Set(others.flatMap(({ pair }) => pair ?? []))
  const taken: H[] = []
  const rest: H[] = []
  for (const host of hosts) {
    if (taken.length >= most || (host.pair !== undefined && pairs.has(host.pair))) rest.push(host)
    else {
      taken.push(host)
      if (host.pair !== undefined) pairs.add(host.pair)
    }
  }
  return { taken, rest }
}
