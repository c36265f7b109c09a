# shellcheck shell=bash
# The administrator writes nft, and iptables was never called.
provision() {
  use_iptables nft
  cat >/etc/nftables.conf <<'CONF'
#!/usr/sbin/nft -f
flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept
		ct state invalid drop
		meta l4proto { icmp, ipv6-icmp } accept
		ct state new tcp dport { 22, 80, 443 } accept
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
	}

	chain output {
		type filter hook output priority filter; policy accept;
	}
}
CONF
}

boot() {
  start_sshd
  start_echo 80 443
}
