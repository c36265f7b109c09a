# shellcheck shell=bash
# A jump host: sshd with the limits that it comes with, and a foot in the network behind.
provision() {
  sed -i -e '/^MaxStartups/d' -e '/^MaxSessions/d' /etc/ssh/sshd_config
}

boot() {
  echo 0 >/proc/sys/net/ipv4/ip_forward
  echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
  if [ -n "$INSIDE" ]; then
    ip -batch - <<BATCH
addr add $INSIDE dev eth1
addr add $INSIDE6 dev eth1 nodad
link set eth1 up
BATCH
  fi
  start_sshd
}
