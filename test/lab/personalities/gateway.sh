# shellcheck shell=bash
# A NAT router. Behind it sits one machine, 192.168.77.2, in the namespace "inside" of this host:
#   ip netns exec inside ping -c1 198.18.0.1
provision() {
  use_iptables nft
  echo 'net.ipv4.ip_forward = 1' >/etc/sysctl.d/30-router.conf
  write_stateful_rules 22
  cat >/etc/iptables/rules.v4 <<'RULES'
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -s 192.168.77.0/24 -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i inside0 -o eth0 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
RULES
}

boot() {
  ip netns add inside
  ip link add inside0 type veth peer name eth0 netns inside
  ip addr add 192.168.77.1/24 dev inside0
  ip link set inside0 up
  ip -n inside -batch - <<'BATCH'
link set lo up
addr add 192.168.77.2/24 dev eth0
link set eth0 up
route add default via 192.168.77.1
BATCH
  start_sshd
}
