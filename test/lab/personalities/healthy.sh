# shellcheck shell=bash
provision() {
  use_iptables nft
  write_stateful_rules 22 443
}

boot() {
  start_sshd
  start_echo 443
}
