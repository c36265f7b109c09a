/** Rule sets of a chosen size in the shapes that large ones have, as iptables-save prints them; the same for the same size. */
export type Shape = { readonly name: string; readonly about: string; readonly dump: (rules: number) => string }

export const SHAPES: readonly Shape[] = [
  {
    name: 'blocklist',
    about: 'drops by source in front of a stateful default drop',
    dump: (rules) => filter([...many(rules, (at) => `-A INPUT -s ${addressOf(at)}/32 -j DROP`), ...STATEFUL]),
  },
  {
    name: 'clients',
    about: 'accepts and drops of new connections by source and port, in any order',
    dump: (rules) => {
      const one = (at: number) =>
        `-A INPUT -s ${addressOf(at)}/32 -p tcp -m tcp --dport ${PORTS[at % 5]} -m conntrack --ctstate NEW -j ${at % 3 === 0 ? 'DROP' : 'ACCEPT'}`
      return filter([ESTABLISHED, ...many(rules, one), LAST])
    },
  },
  {
    name: 'chains',
    about: 'chains of ten rules by network, each entered by a jump',
    dump: (rules) => {
      const chains = Math.ceil(rules / 10)
      const names = many(chains, (at) => `:net-${at} - [0:0]`)
      const jumps = many(chains, (at) => `-A INPUT -s 10.${at >> 8}.${at & 255}.0/24 -j net-${at}`)
      const inside = many(rules - chains, (at) => `-A net-${at % chains} -p tcp -m tcp --dport ${1024 + at} -j ACCEPT`)
      return filter([ESTABLISHED, ...jumps, LAST, ...inside], names)
    },
  },
  {
    name: 'forwarding',
    about: 'a gateway: accepts between networks, interfaces and ports in FORWARD',
    dump: (rules) => {
      const one = (at: number) =>
        `-A FORWARD -s ${addressOf(at)}/32 -d 10.${at & 255}.0.0/16 -i eth${at % 4} -o eth${4 + (at % 3)} -p tcp -m multiport --dports ${1000 + at},${PORTS[at % 5]} -j ACCEPT`
      return filter([
        ...many(rules, one),
        '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        ...STATEFUL,
      ])
    },
  },
]

const PORTS = [80, 443, 22, 25, 3306] as const
const ESTABLISHED = '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
const LAST = '-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT'
const STATEFUL = [ESTABLISHED, '-A INPUT -i lo -j ACCEPT', LAST]

function filter(rules: readonly string[], chains: readonly string[] = []): string {
  const heads = [':INPUT DROP [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...chains]
  return ['*filter', ...heads, ...rules, 'COMMIT', ''].join('\n')
}

function many(count: number, line: (at: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, at) => line(at))
}

/** Scattered, so that neighbours in the chain are not neighbours on the net. */
function addressOf(at: number): string {
  const mixed = Math.imul(at + 1, 2654435761) >>> 0
  return `${1 + ((mixed >>> 24) % 200)}.${(mixed >>> 16) & 255}.${(mixed >>> 8) & 255}.${mixed & 255}`
}
