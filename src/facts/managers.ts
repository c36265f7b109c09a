import type { Manager, ManagerFacts, ManagerName } from '../model/facts.ts'
import { known, unknown } from '../model/reading.ts'
import type { Section } from '../shell/bundle.ts'
import { lines, sh } from '../shell/script.ts'
import { type Fact, linesOf, readWith } from './fact.ts'

/** Names of processes, as the kernel cuts them at 15 characters. */
const PROCESSES: Readonly<Record<string, ManagerName>> = {
  dockerd: 'docker',
  conmon: 'podman',
  kubelet: 'kubernetes',
  'kube-proxy': 'kubernetes',
  'k3s-server': 'kubernetes',
  'k3s-agent': 'kubernetes',
  'calico-node': 'kubernetes',
  'cilium-agent': 'kubernetes',
  flanneld: 'kubernetes',
  firewalld: 'firewalld',
  libvirtd: 'libvirt',
  virtnetworkd: 'libvirt',
  'ovs-vswitchd': 'openvswitch',
  conntrackd: 'conntrackd',
  'fail2ban-server': 'fail2ban',
  'pve-firewall': 'proxmox',
}

/** Network interfaces; `*` stands for any ending. */
const INTERFACES: Readonly<Record<string, ManagerName>> = {
  docker0: 'docker',
  docker_gwbridge: 'docker',
  'podman*': 'podman',
  'cni-podman*': 'podman',
  cni0: 'kubernetes',
  'flannel.*': 'kubernetes',
  'cali*': 'kubernetes',
  cilium_host: 'kubernetes',
  'kube-*': 'kubernetes',
  nodelocaldns: 'kubernetes',
  'virbr*': 'libvirt',
  'ovs-system': 'openvswitch',
  'fwbr*': 'proxmox',
}

const processes = Object.keys(PROCESSES)

// Old kernels have no comm; there `status` says the same and costs more.
const probe = lines(
  sh`if [ -e /proc/self/comm ]; then
  grep -sxF ${processes.flatMap((name) => ['-e', name])} /proc/[0-9]*/comm /dev/null
else
  grep -sxF ${processes.flatMap((name) => ['-e', `Name:\t${name}`])} /proc/[0-9]*/status /dev/null
fi
[ $? -lt 126 ] || echo failed
[ -e /proc/1/status ] || echo hidden
[ -r /proc/net/ip_vs ] && grep -m 1 -e '^TCP ' -e '^UDP ' -e '^SCTP ' -e '^FWM ' /proc/net/ip_vs
[ -r /etc/ufw/ufw.conf ] && grep -m 1 -i '^ENABLED=yes' /etc/ufw/ufw.conf
first() { if [ -e "$1" ]; then echo "interface $1"; fi; }`,
  ...Object.keys(INTERFACES).map((name) =>
    name.endsWith('*') ? sh`first /sys/class/net/${name.slice(0, -1)}*` : sh`first /sys/class/net/${name}`,
  ),
)

export const managers: Fact<ManagerFacts> = {
  name: 'managers',
  probes: [{ name: 'managers', probe, bytes: 'own' }],
  parse(sections) {
    return { present: readWith(sections('managers'), presentIn) }
  },
}

function presentIn({ code, output }: Section): ManagerFacts['present'] {
  if (code !== 0) return unknown(`the probe of the managers ended early, with code ${code}`)
  const all = linesOf(output, 5000)
  if (all.includes('failed')) return unknown('there are too many processes to look through')
  if (all.includes('hidden')) return unknown('the processes of other users are hidden from this one')
  const found = new Map<ManagerName, Manager>()
  for (const manager of all.flatMap((line) => managerIn(line) ?? [])) {
    if (!found.has(manager.name)) found.set(manager.name, manager)
  }
  return known([...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1)))
}

function managerIn(line: string): Manager | undefined {
  const process = /^\/proc\/\d+\/(?:comm:|status:Name:\t)(.{1,20})$/.exec(line)?.[1]
  if (process !== undefined) {
    const name = Object.hasOwn(PROCESSES, process) ? PROCESSES[process] : undefined
    return name && { name, sign: `process ${process}` }
  }
  if (/^(TCP|UDP|SCTP|FWM) /.test(line)) return { name: 'lvs', sign: 'services in /proc/net/ip_vs' }
  if (/^ENABLED=yes/i.test(line)) return { name: 'ufw', sign: 'ENABLED=yes in /etc/ufw/ufw.conf' }
  const shown = /^interface \/sys\/class\/net\/([^/]{1,15})$/.exec(line)?.[1]
  if (shown === undefined) return undefined
  const pattern = Object.entries(INTERFACES).find(([name]) =>
    name.endsWith('*') ? shown.startsWith(name.slice(0, -1)) : shown === name,
  )
  return pattern && { name: pattern[1], sign: `interface ${shown}` }
}
