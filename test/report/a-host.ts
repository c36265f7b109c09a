import type { Facts } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'

/** A web server whose table is full, read by a login that is not root: several things are not known. */
export const FULL_WEB_SERVER: Facts = {
  system: {
    hostname: known('web-1'),
    os: known({ id: 'debian', version: '12', name: 'Debian GNU/Linux 12 (bookworm)' }),
    kernel: known({ release: '6.1.0-18-cloud-amd64', major: 6, minor: 1 }),
    machine: known('x86_64'),
    archBits: known(64),
    pageSize: known(4096),
    bootId: known('73884799-6357-4378-90d6-b2d35b7de48b'),
    netns: known('4026531840'),
    uptime: known(273_600),
    cpus: known(4),
    init: known('systemd'),
    container: known(null),
  },
  memory: { total: known(8_201_338_880), available: known(5_412_552_704) },
  modules: {
    loadable: known(true),
    loaded: known([
      { name: 'nf_conntrack', references: 2, holders: ['xt_conntrack', 'nf_nat'] },
      { name: 'xt_conntrack', references: 1, holders: [] },
      { name: 'virtio_net', references: 0, holders: [] },
    ]),
    builtin: known([]),
  },
  conntrack: {
    generation: known('nf'),
    form: known('module'),
    count: known(251_658),
    max: known(262_144),
    usage: known(0.96),
    buckets: known(65_536),
    hashSize: known(65_536),
    maxWritable: known(true),
    bucketsWritable: known(false),
    entryBytes: unknown('/proc/slabinfo cannot be read without root'),
    timeouts: known({ tcp_timeout_established: 432_000, tcp_timeout_time_wait: 120, udp_timeout: 30 }),
    settings: known({ tcp_loose: '1' }),
    directory: known('/proc/sys/net/netfilter'),
    tool: known(false),
  },
  counters: {
    first: known({ at: 100, counters: { drop: 98_113 } }),
    second: known({ at: 102, counters: { drop: 99_353 } }),
    seconds: known(2),
    drop: known(1240),
    earlyDrop: known(0),
    insertFailed: known(3),
    chainTooLong: unknown('this kernel has no column chaintoolong'),
    dropTotal: known(99_353),
  },
  kernelLog: { tableFull: known({ lines: 12, newestAgeSeconds: 4 }) },
  entries: {
    sample: known({
      read: 500,
      total: 251_658,
      unreadable: 0,
      bySource: [{ key: '203.0.113.7', entries: 40, share: 0.08 }],
      byDestinationPort: [
        { key: 'tcp/443', entries: 405, share: 0.81, protocol: 'tcp', port: 443, local: 1 },
        { key: 'udp/53', entries: 50, share: 0.1, protocol: 'udp', port: 53, local: 0 },
      ],
      byProtocol: [{ key: 'tcp', entries: 450, share: 0.9 }],
      byState: [{ key: 'TIME_WAIT', entries: 402, share: 0.804 }],
    }),
  },
  listeners: {
    sockets: known([
      { protocol: 'tcp', address: '0.0.0.0', port: 22 },
      { protocol: 'tcp', address: '::', port: 22 },
      { protocol: 'tcp', address: '0.0.0.0', port: 443 },
    ]),
    addresses: known(['127.0.0.1', '198.18.0.10']),
  },
  firewall: {
    legacy: { ip: known(null), ip6: known(null) },
    nft: { ip: known('*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n'), ip6: unknown('it needs root') },
    nftRuleset: unknown('nft list ruleset needs root'),
    tools: known({ legacy: null, nft: 'iptables-nft', defaultBackend: 'nft' }),
    rawTable: known(true),
  },
  managers: { present: known([{ name: 'ufw', sign: '/etc/ufw/ufw.conf says ENABLED=yes' }]) },
  persistence: {
    files: known([{ path: '/etc/sysctl.d/90-net.conf', lines: ['net.netfilter.nf_conntrack_max = 262144'] }]),
    ruleFiles: known(['/etc/iptables/rules.v4']),
    iptablesModules: known(false),
    savesOnStop: known([]),
  },
  privilege: { user: known('ops'), root: known(false), sshPort: known(22) },
}
