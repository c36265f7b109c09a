# shellcheck shell=bash
# Rules from the days of -m state. The policies accept, so no packet's fate hangs on a stateful rule.
provision() {
  use_iptables legacy
  local family
  for family in v4 v6; do
    printf '%s\n' '*filter' ':INPUT ACCEPT [0:0]' ':FORWARD ACCEPT [0:0]' ':OUTPUT ACCEPT [0:0]' \
      '-A INPUT -i lo -j ACCEPT' \
      '-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT' \
      '-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT' \
      '-A INPUT -p tcp -m state --state NEW -m tcp --dport 80 -j ACCEPT' \
      COMMIT >"/etc/iptables/rules.$family"
  done
}

boot() {
  start_sshd
  start_echo 80 443
}
