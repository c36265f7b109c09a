/** A small change that is the same on every host: one setting at run time, and the file that keeps it. */
export const UDP = '/proc/sys/net/netfilter/nf_conntrack_udp_timeout'
export const UDP_FILE = '/etc/sysctl.d/90-udp.conf'
export const UDP_PLAYBOOK = `
name: udp
title: a shorter timeout for udp
about: Small and the same on every host.
steps:
  - name: udp is forgotten sooner
    sysctl: { key: net.netfilter.nf_conntrack_udp_timeout, value: 17 }
  - name: after a reboot too
    file: { path: ${UDP_FILE}, content: "net.netfilter.nf_conntrack_udp_timeout = 17\\n" }
verify: [reads-back]
`
