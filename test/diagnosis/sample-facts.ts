import type { Facts } from '../../src/model/facts.ts'
import { known } from '../../src/model/reading.ts'

/** A 64-bit machine with 48 GiB, tracking as a module, nothing wrong with it. */
export const HEALTHY: Facts = {
  system: {
    hostname: known('web-1'),
    os: known({ id: 'debian', version: '12', name: 'Debian GNU/Linux 12' }),
    kernel: known({ release: '6.1.0-28-amd64', major: 6, minor: 1 }),
    machine: known('x86_64'),
    archBits: known(64),
    pageSize: known(4096),
    bootId: known('6c0f'),
    netns: known('4026531840'),
    firstProcess: known(7),
    uptime: known(86_400),
    cpus: known(16),
    init: known('systemd'),
    container: known(null),
    forwarding: { ip: known(false), ip6: known(false) },
    clientPorts: known({ first: 32_768, last: 60_999 }),
  },
  memory: { total: known(48 * 2 ** 30), available: known(40 * 2 ** 30) },
  modules: {
    loadable: known(true),
    loaded: known([{ name: 'nf_conntrack', references: 1, holders: ['xt_conntrack'] }]),
    builtin: known([]),
  },
  conntrack: {
    generation: known('nf'),
    form: known('module'),
    count: known(20_000),
    max: known(262_144),
    usage: known(20_000 / 262_144),
    buckets: known(65_536),
    hashSize: known(65_536),
    maxWritable: known(true),
    bucketsWritable: known(true),
    entryBytes: known(256),
    timeouts: known({
      tcp_timeout_established: 432_000,
      tcp_timeout_time_wait: 120,
      tcp_timeout_fin_wait: 120,
      udp_timeout: 30,
    }),
    settings: known({ tcp_loose: '1' }),
    directory: known('/proc/sys/net/netfilter'),
    tool: known(true),
  },
  counters: {
    first: known({ at: 100, counters: { drop: 5 } }),
    second: known({ at: 103, counters: { drop: 5 } }),
    seconds: known(3),
    drop: known(0),
    earlyDrop: known(0),
    insertFailed: known(0),
    chainTooLong: known(0),
    dropTotal: known(5),
  },
  kernelLog: { tableFull: known({ lines: 0, newestAgeSeconds: null }) },
  entries: {
    sample: known({
      read: 1000,
      total: 20_000,
      unreadable: 0,
      bySource: [],
      byDestinationPort: [],
      byProtocol: [],
      byState: [],
      remaining: null,
    }),
  },
  listeners: {
    sockets: known([{ protocol: 'tcp', address: '0.0.0.0', port: 80 }]),
    addresses: known(['192.0.2.1', '127.0.0.1', '::1']),
  },
  firewall: {
    legacy: { ip: known(null), ip6: known(null) },
    nft: { ip: known(null), ip6: known(null) },
    nftRuleset: known(null),
    tools: known({ legacy: null, nft: 'iptables-nft', defaultBackend: 'nft', native: true }),
    rawTable: known(true),
  },
  managers: { present: known([]) },
  persistence: {
    files: known([]),
    ruleFiles: known([]),
    iptablesModules: known(false),
    ip6tablesModules: known(false),
    savesOnStop: known([]),
    loaders: known([]),
  },
  history: { lastChangeAgeSeconds: known(null) },
  lock: { holder: known(null) },
  privilege: { user: known('root'), root: known(true), sshPort: known(22) },
}

/** The healthy machine with some subjects' facts replaced. */
export function factsWith(changes: { readonly [Subject in keyof Facts]?: Partial<Facts[Subject]> }): Facts {
  const entries = Object.entries(HEALTHY).map(([subject, facts]) => [
    subject,
    { ...facts, ...changes[subject as keyof Facts] },
  ])
  return Object.fromEntries(entries) as Facts
}
