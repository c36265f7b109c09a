import { type Placed, spread, takeApart } from './order.ts'

/** A number of hosts, or a percentage of them. */
export type Share = { readonly hosts: number } | { readonly percent: number }

/** Hosts that change at the same time; `alone`: only when no other host of the run is at work. */
export type Wave<H> = { readonly hosts: readonly H[]; readonly alone: boolean }

/** Fewer hosts than this go as one and the rest: with ten, the first tenth is one host. */
const SMALL_FLEET = 10

/** The sizes unless the operator names others: a canary, then ever larger parts; a small fleet has no use for four. */
export function usualSizes(hosts: number): readonly Share[] {
  const one = { hosts: 1 }
  const all = { percent: 100 }
  return hosts < SMALL_FLEET ? [one, all] : [one, { percent: 10 }, { percent: 50 }, all]
}

/**
 * Every host in exactly one wave. The sizes say how many hosts are through when a wave is over, so they add up; a percentage
 * is rounded up, and a wave that would bring nobody new is left out. Hosts of a pair never share a wave: where one has to
 * wait, its wave may come after all the sizes. Gateways are last, each alone, and no percentage counts them.
 * @param through hosts that went in waves before these
 */
export function wavesOf<H extends Placed>(
  hosts: readonly H[],
  sizes: readonly Share[],
  through = 0,
): readonly Wave<H>[] {
  const gateways = hosts.filter(({ gateway }) => gateway === true)
  let left = spread(hosts.filter(({ gateway }) => gateway !== true))
  const ordinary = left.length + through
  const waves: Wave<H>[] = []
  const add = (most: number) => {
    const { taken, rest } = takeApart(left, most)
    if (taken.length > 0) waves.push({ hosts: taken, alone: false })
    left = rest
  }
  for (const size of sizes) add(countOf(size, ordinary) - (ordinary - left.length))
  while (left.length > 0) add(left.length)
  return [...waves, ...gateways.map((host) => ({ hosts: [host], alone: true }))]
}

/** How many of so many hosts that is. */
export function countOf(size: Share, hosts: number): number {
  return 'hosts' in size ? size.hosts : Math.ceil((size.percent * hosts) / 100)
}
