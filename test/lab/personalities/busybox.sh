# shellcheck shell=bash
# As on Alpine and small appliances: sh is busybox's ash, also for the login.
provision() {
  use_iptables nft
  write_stateful_rules 22 80 443
  ln -sfn "$(command -v busybox)" /bin/sh
  sed -i 's#^\(root:.*\):[^:]*$#\1:/bin/sh#' /etc/passwd
}

boot() {
  start_sshd
  start_echo 80 443
}
