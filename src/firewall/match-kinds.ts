/** Matches that look at the packet's connection. */
export const NEEDS_TRACKING: ReadonlySet<string> = new Set([
  'state',
  'conntrack',
  'connmark',
  'connbytes',
  'connlabel',
  'connlimit',
  'helper',
  'cluster',
  'ct',
  'ct count',
])

/** Of these, the ones that a packet without a connection satisfies when negated. */
export const INVERTS_WITHOUT_TRACKING: ReadonlySet<string> = new Set(['helper', 'connlabel'])
export const ALWAYS: ReadonlySet<string> = new Set(['comment', 'counters', 'nfacct'])
/** Answers by how many packets it has met. */
export const METERED: ReadonlySet<string> = new Set([
  'limit',
  'hashlimit',
  'dstlimit',
  'recent',
  'statistic',
  'random',
  'nth',
  'quota',
  'quota2',
  'numgen',
  'dynset',
])
export const VOLATILE: ReadonlySet<string> = new Set(['rateest', 'condition', 'psd', 'lscan', 'socket'])
/** Properties that all packets of a flow share in one direction. */
export const OF_THE_FLOW: ReadonlySet<string> = new Set([
  'mac',
  'owner',
  'geoip',
  'physdev',
  'policy',
  'rpfilter',
  'realm',
  'devgroup',
  'cgroup',
  'pkttype',
  'flow',
  'portset',
])
export const OF_THE_PACKET: ReadonlySet<string> = new Set([
  'length',
  'ttl',
  'hl',
  'tos',
  'dscp',
  'ecn',
  'string',
  'u32',
  'bpf',
  'tcpmss',
  'frag',
  'rt',
  'hbh',
  'dst',
  'ah',
  'esp',
  'ipv6header',
  'ipv4options',
  'time',
  'cpu',
  'packet',
])
/** Tests of a header that only the first piece of a datagram has; none of them, negated or not, holds for a later piece. */
export const OF_THE_FIRST_FRAGMENT: ReadonlySet<string> = new Set([
  'tcp',
  'udp',
  'udplite',
  'sctp',
  'dccp',
  'multiport',
  'icmp',
  'icmp6',
  'th',
  'portset',
])
/** What each piece of a datagram answers for itself. */
export const OF_EACH_FRAGMENT: ReadonlySet<string> = new Set([
  'length',
  'string',
  'u32',
  'bpf',
  'frag',
  'ipv6header',
  'tcpmss',
  'ah',
  'esp',
  'rt',
  'hbh',
  'dst',
])
export const KNOWN: ReadonlySet<string> = new Set([
  'source',
  'destination',
  'in',
  'out',
  'protocol',
  'fragment',
  'tcp',
  'udp',
  'udplite',
  'sctp',
  'dccp',
  'multiport',
  'addrtype',
  'iprange',
  'icmp',
  'icmp6',
  'th',
  'nfproto',
  'fib',
])
