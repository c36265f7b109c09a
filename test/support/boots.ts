import type { LabHost } from '../lab/index.ts'

/** One of the many ways in which rules come back at boot. The lab's hosts load what is in Debian's places, whoever it is that says so. */
export type Boot = keyof typeof SIGNS

const SIGNS = {
  'netfilter-persistent': `: > /etc/rc2.d/S01netfilter-persistent
mkdir -p /usr/share/netfilter-persistent/plugins.d
cd /usr/share/netfilter-persistent/plugins.d && : > 15-ip4tables && : > 25-ip6tables`,
  // As on RHEL 6; the places that the lab loads from lead there.
  'the iptables services': `mkdir -p /etc/rc.d/rc3.d /etc/sysconfig
for name in iptables ip6tables; do : > /etc/rc.d/rc3.d/S08$name; : > /etc/sysconfig/$name-config; done
mv /etc/iptables/rules.v4 /etc/sysconfig/iptables && ln -s /etc/sysconfig/iptables /etc/iptables/rules.v4
mv /etc/iptables/rules.v6 /etc/sysconfig/ip6tables && ln -s /etc/sysconfig/ip6tables /etc/iptables/rules.v6`,
  // As on Alpine, where the file has another place by default.
  OpenRC: `mkdir -p /etc/runlevels/default /etc/conf.d
for name in iptables ip6tables; do : > /etc/runlevels/default/$name; done
printf 'IPTABLES_SAVE="/etc/iptables/rules-save"\\nSAVE_ON_STOP="no"\\n' > /etc/conf.d/iptables
printf 'IP6TABLES_SAVE="/etc/iptables/rules6-save"\\nSAVE_ON_STOP="no"\\n' > /etc/conf.d/ip6tables
cd /etc/iptables
mv rules.v4 rules-save && ln -s rules-save rules.v4
mv rules.v6 rules6-save && ln -s rules6-save rules.v6`,
  nftables: ': > /etc/rc2.d/S01nftables',
  'a script': `mkdir -p /etc/network/if-pre-up.d
printf '#!/bin/sh\\n/sbin/iptables-restore < /etc/iptables/rules.v4\\nip6tables-restore < /etc/iptables/rules.v6\\n' > /etc/network/if-pre-up.d/firewall`,
  ufw: ': > /etc/rc2.d/S01ufw; mkdir -p /etc/ufw; echo ENABLED=yes > /etc/ufw/ufw.conf',
  firewalld: ': > /etc/rc2.d/S01firewalld',
  shorewall: ': > /etc/rc2.d/S01shorewall',
  commands: `printf '#!/bin/sh\\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\\n' > /etc/rc.local`,
  'a linked file': 'mv /etc/iptables/rules.v4 /etc/iptables/mine && ln -s mine /etc/iptables/rules.v4',
  // As Alpine has it by default, whether its service is enabled or not.
  'an idle service': `mkdir -p /run/openrc/started /etc/conf.d
printf 'SAVE_ON_STOP="yes"\\n' > /etc/conf.d/iptables`,
  'saves on stop': `echo 'IPTABLES_SAVE_ON_STOP="yes"' > /etc/sysconfig/iptables-config`,
} as const

/** Puts in place what shows it; holds over a restart. */
export async function bootedBy(host: LabHost, boot: Boot): Promise<void> {
  const ended = await host.exec(`set -e\n${SIGNS[boot]}`)
  if (ended.code !== 0) throw new Error(`${host.name}: ${ended.stderr}`)
}
