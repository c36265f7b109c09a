import { addressText, network } from './addresses.ts'
import type { Drawing, Stage } from './nft-rule-sets.ts'
import type { Header } from './nft-tests.ts'
import { addressElements, asked, list, portElements, randomAddress } from './nft-values.ts'

/** A question about a packet's connection. */
export function trackingTest(drawing: Drawing, named: Header, protocol: string): string {
  const { random } = drawing
  const states = ['new', 'established', 'related', 'invalid', 'untracked']
  const some = (by: string) => random.some(states, 1, 3).join(by)
  const header = named === 'ip' || named === 'ip6' ? named : random.pick(['ip', 'ip6'] as const)
  const net = (length = header === 'ip' ? random.int(14, 32) : random.int(46, 128)) => {
    return `${addressText(header, network(header, randomAddress(drawing, header), length)[0])}/${length}`
  }
  const side = () => `ct ${random.pick(['original', 'reply'])} ${header} ${random.pick(['saddr', 'daddr'])}`
  return random.weighted<() => string>([
    [8, () => `ct state ${some(',')}`],
    [3, () => `ct state ${list(random.some(states, 1, 3))}`],
    [2, () => `ct state != ${list(random.some(states, 1, 3))}`],
    [2, () => `ct state != ${random.pick(states)}`],
    [1, () => `ct state ! ${some(',')}`],
    [1.5, () => `ct state ${random.pick(['==', '!='])} ${random.some(states, 2, 2).join(' | ')}`],
    [0.3, () => `ct state & (new|established) == ${random.pick(['new', 'established'])}`],
    [2, () => asked(random, 'ct direction', [[1, () => random.pick(['original', 'reply'])]])],
    [named === 'both' ? 0 : 2, () => asked(random, side(), [[1, () => net()]])],
    // Without the family nft 1.0.6 takes no prefix that it lists again as it was.
    [drawing.family === 'ip' ? 1 : 0, () => asked(random, side().replace(' ip ', ' '), [[1, () => net(16)]])],
    [named === 'both' ? 0 : 1, () => asked(random, side(), [[1, () => list(addressElements(drawing, header, 3))]])],
    [
      0.5,
      () =>
        `ct status ${random.pick(['', '! '])}${random.pick(['dnat', 'snat', 'snat,dnat', 'assured', 'seen-reply'])}`,
    ],
    [0.3, () => `ct status != ${random.pick(['dnat', 'snat'])}`],
    [protocol === '' ? 2 : 0, () => `ct protocol ${random.pick(['tcp', 'udp', 'icmp'])}`],
  ])()
}

/** What nft reads only once it knows the protocol. */
export function trackingPortTests({ random, tracking }: Drawing, stage: Stage, protocol: string): readonly string[] {
  if (!tracking || stage === 'raw' || (protocol !== 'tcp' && protocol !== 'udp') || !random.chance(0.08)) return []
  const field = `ct ${random.pick(['original', 'reply'])} ${random.pick(['proto-src', 'proto-dst'])}`
  return [
    asked(random, field, [
      [2, () => portElements(random, 1)[0] as string],
      [1, () => list(portElements(random, 3))],
    ]),
  ]
}
