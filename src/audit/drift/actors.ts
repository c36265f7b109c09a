import type { Rule } from '../../firewall/rules.ts'
import type { ManagerName } from '../../model/facts.ts'

/** A program that changes rules or settings by itself, and what shows its hand. */
export type Actor = {
  readonly name: string
  /** Names of its processes, as the kernel cuts them, and of its systemd units. */
  readonly runsAs: readonly string[]
  /** As the fact `managers` calls it; absent where that knows no such program. */
  readonly manager?: ManagerName
  /** Names of its chains. */
  readonly chains?: RegExp
  /** Names of its tables of nft, with their family. */
  readonly tables?: RegExp
  /** A text in its rules: a comment, an interface. */
  readonly text?: RegExp
  /**
   * Which rules go when it puts its own in place: only those in chains or tables of its own, or whatever is there.
   * Who never takes rules away that are not its own can only have brought some.
   */
  readonly takes: 'its own' | 'all'
  /** What keeps it from doing so again. */
  readonly remedy: string
}

export const ACTORS: readonly Actor[] = [
  {
    name: 'kube-proxy',
    runsAs: ['kube-proxy', 'kubelet', 'k3s-server', 'k3s-agent', 'k3s', 'rke2-server', 'rke2-agent'],
    manager: 'kubernetes',
    chains: /^KUBE-/,
    tables: /^ip6? kube-proxy$/,
    text: /--comment "?kubernetes\b/,
    takes: 'its own',
    remedy:
      "set conntrack.maxPerCore, conntrack.min and the conntrack timeouts in kube-proxy's configuration, which it applies whenever it starts",
  },
  {
    name: 'docker',
    runsAs: ['dockerd', 'docker'],
    manager: 'docker',
    chains: /^DOCKER(?:-|$)/,
    tables: /^ip6? docker-bridges$/,
    text: /\bdocker0\b|\bdocker_gwbridge\b/,
    takes: 'its own',
    remedy:
      'what containers publish needs tracking: leave tracking on here, or "iptables": false in /etc/docker/daemon.json',
  },
  {
    name: 'podman',
    runsAs: ['conmon', 'podman', 'netavark'],
    manager: 'podman',
    chains: /^(?:NETAVARK|CNI)[-_]/,
    tables: /^inet netavark$/,
    takes: 'its own',
    remedy: 'what containers publish needs tracking: leave tracking on here',
  },
  {
    name: 'calico',
    runsAs: ['calico-node'],
    chains: /^cali-/,
    tables: /^ip6? calico$/,
    takes: 'its own',
    remedy: "let Calico's own policies say what is left untracked (doNotTrack)",
  },
  {
    name: 'cilium',
    runsAs: ['cilium-agent'],
    chains: /^(?:OLD_)?CILIUM_/,
    takes: 'its own',
    remedy: "set what is wanted in Cilium's own configuration",
  },
  {
    name: 'ufw',
    runsAs: ['ufw'],
    manager: 'ufw',
    chains: /^ufw6?-/,
    takes: 'its own',
    remedy: 'rules that are to outlive "ufw reload" belong into /etc/ufw/before.rules and before6.rules',
  },
  {
    name: 'firewalld',
    runsAs: ['firewalld'],
    manager: 'firewalld',
    chains:
      /_(?:ZONES|ZONES_SOURCE|direct|POLICIES_(?:pre|post))$|^(?:IN|FWD[IO]?|PRE|POST)_(?:public|trusted|internal|external|dmz|work|home|block|drop)/,
    tables: /^(?:inet|ip6?) firewalld(?:_policy_drop)?$/,
    takes: 'all',
    remedy:
      'rules that are to outlive "firewall-cmd --reload" belong to firewalld: firewall-cmd --permanent --direct --add-rule …',
  },
  {
    name: 'proxmox',
    runsAs: ['pve-firewall', 'proxmox-firewal'],
    manager: 'proxmox',
    chains: /^(?:PVEFW|proxmox-firewall)-/,
    tables: /^(?:inet|bridge) proxmox-firewall/,
    takes: 'its own',
    remedy:
      'set nf_conntrack_max and the timeouts in /etc/pve/local/host.fw, which pve-firewall applies every few seconds',
  },
  {
    name: 'libvirt',
    runsAs: ['libvirtd', 'virtnetworkd'],
    manager: 'libvirt',
    chains: /^LIBVIRT_/,
    tables: /^ip6? libvirt_network$/,
    text: /\bvirbr\d/,
    takes: 'its own',
    remedy: "its networks of mode 'nat' need tracking: leave tracking on here, or make them 'route' or 'open'",
  },
  {
    name: 'fail2ban',
    runsAs: ['fail2ban-server', 'fail2ban'],
    manager: 'fail2ban',
    chains: /^f2b-/,
    tables: /^inet f2b-table$/,
    takes: 'its own',
    remedy: 'set what is wanted in /etc/fail2ban',
  },
  {
    name: 'shorewall',
    runsAs: ['shorewall', 'shorewall6'],
    chains: /^(?:shorewall|sfilter|~?comb\d+)$/,
    takes: 'all',
    remedy: 'rules that are to outlive "shorewall reload" belong into /etc/shorewall',
  },
  {
    name: 'tuned',
    runsAs: ['tuned'],
    takes: 'its own',
    remedy:
      "set it in the profile that tuned applies, or take it out there; a profile's own copy belongs into /etc/tuned",
  },
  {
    name: 'nftables.service',
    runsAs: ['nftables'],
    takes: 'all',
    remedy: 'rules that are to outlive its restart belong into /etc/nftables.conf',
  },
  {
    name: 'netfilter-persistent',
    runsAs: ['netfilter-persistent'],
    takes: 'all',
    remedy: 'rules that are to outlive its restart belong into /etc/iptables/rules.v4 and rules.v6',
  },
  {
    name: 'iptables.service',
    runsAs: ['iptables', 'ip6tables'],
    takes: 'all',
    remedy: 'rules that are to outlive its restart belong into /etc/sysconfig/iptables and ip6tables',
  },
]

/** Every name that a process or unit of any of them may have. */
export const ACTOR_NAMES: readonly string[] = [...new Set(ACTORS.flatMap(({ runsAs }) => runsAs))]

export function ownsTable({ tables }: Actor, table: string): boolean {
  return tables?.test(table) === true
}

export function ownsChain({ chains }: Actor, chain: string): boolean {
  return chains?.test(chain) === true
}

/** The rule leads into one of its chains, or says whose it is. */
export function bearsMark(actor: Actor, { spec, target }: Rule): boolean {
  return (target !== null && ownsChain(actor, target.name)) || actor.text?.test(spec) === true
}
