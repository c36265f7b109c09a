# shellcheck shell=bash
# Half migrated: old iptables-legacy rules are still loaded beside the new nft ones, and the kernel asks both.
provision() {
  use_iptables legacy
  local family
  for family in v4 v6; do
    printf '%s\n' '*filter' ':INPUT ACCEPT [0:0]' ':FORWARD ACCEPT [0:0]' ':OUTPUT ACCEPT [0:0]' \
      '-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT' \
      '-A INPUT -p tcp -m tcp --dport 23 -j DROP' \
      COMMIT >"/etc/iptables/rules.$family"
  done
  cat >/etc/nftables.conf <<'CONF'
#!/usr/sbin/nft -f
flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport { 22, 80, 443 } ct state new accept
	}
}
CONF
}

boot() {
  start_sshd
  start_echo 80 443
}
