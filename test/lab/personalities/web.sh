# shellcheck shell=bash
provision() {
  use_iptables nft
  write_stateful_rules 22 80 443
}

boot() {
  start_sshd
  start_echo 80 443
}
