# shellcheck shell=bash
# No rule and no table, so the kernel attaches no hook and tracks nothing.
provision() { :; }

boot() {
  start_sshd
  start_echo 80 443
}
