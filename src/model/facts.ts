import type { Reading } from './reading.ts'

/** All that one trip to a host brings back, by subject. Sizes are bytes, times seconds, table sizes entries or buckets. */
export type Facts = {
  readonly system: SystemFacts
  readonly memory: MemoryFacts
  readonly modules: ModuleFacts
  readonly conntrack: ConntrackFacts
  readonly counters: CounterFacts
  readonly kernelLog: KernelLogFacts
  readonly entries: EntryFacts
  readonly listeners: ListenerFacts
  readonly firewall: FirewallFacts
  readonly managers: ManagerFacts
  readonly persistence: PersistenceFacts
  readonly history: HistoryFacts
  readonly lock: LockFacts
  readonly privilege: PrivilegeFacts
}

export type SystemFacts = {
  readonly hostname: Reading<string>
  /** os-release: `id` is the lower-case ID (`debian`), `name` what a person reads. */
  readonly os: Reading<{ readonly id: string; readonly version: string; readonly name: string }>
  /** `uname -r`, and its leading numbers. */
  readonly kernel: Reading<{ readonly release: string; readonly major: number; readonly minor: number }>
  readonly machine: Reading<string>
  /** Word size of the kernel, 32 or 64. */
  readonly archBits: Reading<number>
  readonly pageSize: Reading<number>
  readonly bootId: Reading<string>
  /** inode number of the network namespace the probe ran in */
  readonly netns: Reading<string>
  /** When process 1 started, in clock ticks since boot: a container's own on kernels that show no namespaces. */
  readonly firstProcess: Reading<number>
  readonly uptime: Reading<number>
  readonly cpus: Reading<number>
  readonly init: Reading<'systemd' | 'other'>
  /** What kind of container this is (`lxc`, `openvz`, `docker` …; `namespace` where no engine shows), or null on a whole machine. */
  readonly container: Reading<string | null>
  /** Whether packets for other hosts go through this one: net.ipv4.ip_forward, net.ipv6.conf.all.forwarding. */
  readonly forwarding: { readonly ip: Reading<boolean>; readonly ip6: Reading<boolean> }
  /** The ports that its own connections take, of both families: net.ipv4.ip_local_port_range, both ends included. */
  readonly clientPorts: Reading<{ readonly first: number; readonly last: number }>
}

export type MemoryFacts = {
  readonly total: Reading<number>
  /** MemAvailable; a lower bound of it on kernels before 3.14, which do not print it. */
  readonly available: Reading<number>
}

export type ModuleFacts = {
  /** False where the kernel has no loadable modules, or has closed the door on them: nothing can load, nothing can be unloaded. */
  readonly loadable: Reading<boolean>
  /** Every loaded module. */
  readonly loaded: Reading<readonly Module[]>
  /** Names from modules.builtin that have to do with netfilter. */
  readonly builtin: Reading<readonly string[]>
}

export type Module = {
  readonly name: string
  /** null where the kernel prints `-`. */
  readonly references: number | null
  readonly holders: readonly string[]
}

export type ConntrackFacts = {
  /** `nf` (nf_conntrack), `ip` (ip_conntrack), or `none`: neither is there. */
  readonly generation: Reading<'nf' | 'ip' | 'none'>
  readonly form: Reading<'module' | 'built-in' | 'absent'>
  readonly count: Reading<number>
  readonly max: Reading<number>
  /** Entries over max, 0 to 1 (above 1 after max was lowered). */
  readonly usage: Reading<number>
  readonly buckets: Reading<number>
  /** The module parameter `hashsize`; on some kernels the sysctl is stale and this one right. */
  readonly hashSize: Reading<number>
  /** False in a container or network namespace, where max and buckets belong to the node. */
  readonly maxWritable: Reading<boolean>
  readonly bucketsWritable: Reading<boolean>
  /** Bytes of one entry in the slab cache, extensions not counted. */
  readonly entryBytes: Reading<number>
  /** Every timeout, by the key's last part: `tcp_timeout_established` → 432000. */
  readonly timeouts: Reading<{ readonly [key: string]: number }>
  /**
   * Every other conntrack setting by its key's last part: `tcp_loose` → `1`. `enable_hooks` is a parameter of the module, `1`
   * where the kernel's command line names it and tracking needs no rule; absent where that line could not be read.
   */
  readonly settings: Reading<{ readonly [key: string]: string }>
  /** The directory under /proc/sys that the settings were read from. */
  readonly directory: Reading<string>
  /** The `conntrack` program is there; without it entries cannot be deleted. */
  readonly tool: Reading<boolean>
}

export type CounterSample = {
  /** /proc/uptime when it was read. */
  readonly at: number
  /** Sums over CPUs, by the kernel's column name; absent columns are absent here. */
  readonly counters: { readonly [name: string]: number }
}

export type CounterFacts = {
  readonly first: Reading<CounterSample>
  readonly second: Reading<CounterSample>
  readonly seconds: Reading<number>
  /** Growth between the two readings, in packets. */
  readonly drop: Reading<number>
  readonly earlyDrop: Reading<number>
  readonly insertFailed: Reading<number>
  readonly chainTooLong: Reading<number>
  /** Since boot. */
  readonly dropTotal: Reading<number>
}

export type KernelLogFacts = {
  /** Lines that say `table full` about this host's network namespace, of what the log still holds. */
  readonly tableFull: Reading<{
    readonly lines: number
    /** Age of the newest one; null when there is none or its time is not readable. */
    readonly newestAgeSeconds: number | null
  }>
}

export type EntryFacts = { readonly sample: Reading<EntrySample> }

export type EntrySample = {
  /** Entries that were read, and the table's count at that moment. */
  readonly read: number
  readonly total: number
  readonly unreadable: number
  /** Largest first, at most `MOST_NAMED` each; `share` is of the entries read. */
  readonly bySource: readonly Share[]
  readonly byDestinationPort: readonly PortShare[]
  readonly byProtocol: readonly Share[]
  readonly byState: readonly Share[]
  /** null where no entry told its time, as in an empty table. */
  readonly remaining: RemainingTime | null
}

/** Of sources, ports, protocols and states the facts name no more than this: who is not among so many may still be in the table. */
export const MOST_NAMED = 10

/** How soon the entries read run out, if no packet of theirs comes; in whole seconds, as the kernel lists them. */
export type RemainingTime = {
  /** Of the entries read, those that told their time; offloaded ones do not. */
  readonly told: number
  /** Within these seconds half of those that told have run out, 90 % of them, all of them. */
  readonly half: number
  readonly ninety: number
  readonly longest: number
}

export type Share = { readonly key: string; readonly entries: number; readonly share: number }
export type PortShare = Share & {
  readonly protocol: string
  readonly port: number
  /** Part of the entries whose destination is an address of the host itself, 0 to 1; null where its addresses are not known. */
  readonly local: number | null
  /** The states of its entries, as in `byState`; `share` is of all entries read. Absent where an older document does not tell. */
  readonly states?: readonly Share[] | undefined
}

export type ListenerFacts = {
  readonly sockets: Reading<readonly Listener[]>
  /** Every address of the host, both families. */
  readonly addresses: Reading<readonly string[]>
}
export type Listener = { readonly protocol: 'tcp' | 'udp'; readonly address: string; readonly port: number }

/** One family's rules as one backend printed them. `null`: this backend holds no rules of this family. */
export type RuleDump = Reading<string | null>

export type FirewallFacts = {
  readonly legacy: { readonly ip: RuleDump; readonly ip6: RuleDump }
  /** iptables rules kept in nf_tables, as iptables-nft-save prints them. */
  readonly nft: { readonly ip: RuleDump; readonly ip6: RuleDump }
  /** `nft -j list ruleset`: all tables, iptables' own among them. */
  readonly nftRuleset: RuleDump
  /** Which `iptables-save` and `iptables-restore` serve each backend on this host; null: none does. */
  readonly tools: Reading<{
    readonly legacy: string | null
    readonly nft: string | null
    readonly defaultBackend: 'legacy' | 'nft' | null
    /** The `nft` program is there. */
    readonly native: boolean
  }>
  /** Whether the kernel has, or can load, a raw table; 2.4 and early 2.6 have none. */
  readonly rawTable: Reading<boolean>
}

export type ManagerFacts = {
  /** Who else owns rules or needs tracking here, each with the sign it was known by. */
  readonly present: Reading<readonly Manager[]>
}
export type Manager = { readonly name: ManagerName; readonly sign: string }
export type ManagerName =
  | 'docker'
  | 'podman'
  | 'kubernetes'
  | 'lvs'
  | 'firewalld'
  | 'ufw'
  | 'libvirt'
  | 'openvswitch'
  | 'conntrackd'
  | 'fail2ban'
  | 'proxmox'

export type PersistenceFacts = {
  /** Files that set conntrack or its modules at boot, with the lines that do. */
  readonly files: Reading<readonly PersistenceFile[]>
  /** Rule files of the firewall's owners that exist: `/etc/iptables/rules.v4` … */
  readonly ruleFiles: Reading<readonly string[]>
  /** `/etc/sysconfig/iptables-config` names modules that would be loaded again; the next one, `/etc/sysconfig/ip6tables-config`. */
  readonly iptablesModules: Reading<boolean>
  readonly ip6tablesModules: Reading<boolean>
  /**
   * Settings that make a service write the running rules, unconfirmed ones too, to disk when it stops: `IPTABLES_SAVE_ON_STOP="yes"`.
   * Of services that are enabled or run, or where that is not told.
   */
  readonly savesOnStop: Reading<readonly string[]>
  /** What loads firewall rules at boot, as enabled services and scripts show it; the text of their files as far as it can be edited. */
  readonly loaders: Reading<readonly RuleLoader[]>
}

/** One that loads rules at boot. `sign`: the file that shows it. `script`: somebody's own commands, of which we write none. */
export type RuleLoader = {
  readonly name: RuleLoaderName
  readonly sign: string
  readonly files: readonly RuleFile[]
}
export type RuleLoaderName = (typeof RULE_LOADERS)[number]

const RULE_LOADERS = [
  'netfilter-persistent',
  'iptables',
  'ip6tables',
  'nftables',
  'ufw',
  'firewalld',
  'script',
  'another',
] as const

export function isRuleLoader(name: unknown): name is RuleLoaderName {
  return RULE_LOADERS.some((each) => each === name)
}

/** A file of rules: those of one family as iptables-restore reads them, or nft's own. Text: at most 256 KiB; null: no such file. */
export type RuleFile = {
  readonly path: string
  readonly holds: 'ip' | 'ip6' | 'nft'
  readonly text: Reading<string | null>
}
export type PersistenceFile = { readonly path: string; readonly lines: readonly string[] }

export type HistoryFacts = {
  /** Since ctfleet's newest transaction that still stands was committed here, by the host's own journal; null where there is none. */
  readonly lastChangeAgeSeconds: Reading<number | null>
}

export type LockFacts = {
  /** Whose transaction has the host for itself: one that is not over, or first aid that stands; null where none has. */
  readonly holder: Reading<LockHolder | null>
}

/** Times are seconds since the epoch, by the host's clock. */
export type LockHolder = {
  readonly transaction: string
  /** null where the lock could not be written whole. */
  readonly since: number | null
  /** The run it belongs to, and login name and machine of who asked; null where the lock does not say. */
  readonly asker: { readonly run: string; readonly by: string } | null
  /** When first aid takes itself back; null: the transaction is not over. */
  readonly until: number | null
  /** It began before the host's last restart. */
  readonly beforeRestart: boolean
  /** When it was read. */
  readonly seenAt: number
}

export type PrivilegeFacts = {
  readonly user: Reading<string>
  readonly root: Reading<boolean>
  /** The port that sshd serves us on, from SSH_CONNECTION; null over the local transport. */
  readonly sshPort: Reading<number | null>
}
