# shellcheck shell=bash
# What every personality builds on; sourced by host-init.sh. "provision" writes a host's files, once; "boot" is what
# happens at each start. Rules live where Debian's netfilter-persistent and nftables services keep them, and come from
# there at boot, so a change that is persistent on a real host is persistent here.

provision_base() {
  echo "$HOST" >/etc/hostname
  printf '%s\n' '127.0.0.1 localhost' '::1 localhost' "$ADDRESS $HOST" "$ADDRESS6 $HOST" >/etc/hosts
  rm -f /etc/resolv.conf
  : >/etc/resolv.conf
  # The machine's own settings are no part of the host.
  rm -rf /etc/sysctl.d/* /etc/modules-load.d/* /etc/modprobe.d/* /etc/iptables /etc/nftables.conf /etc/sudoers.d/* \
    /etc/ssh/ssh_host_* /etc/ssh/sshd_config.d /var/lib/ctfleet /.dockerenv
  mkdir -p /etc/iptables /etc/modules-load.d
  provision_login
}

provision_login() {
  local home=/root
  chmod 700 /root
  if [ "$LOGIN" != root ]; then
    home=/home/$LOGIN
    mkdir -m 755 "$home"
    sed -i "/^$LOGIN:/d" /etc/passwd /etc/group /etc/shadow
    echo "$LOGIN:x:1900:1900:lab operator:$home:/bin/bash" >>/etc/passwd
    echo "$LOGIN:x:1900:" >>/etc/group
    # The password is "lab"; a hash is the only form that needs no tool to write.
    echo "$LOGIN:$LAB_PASSWORD_HASH:19000:0:99999:7:::" >>/etc/shadow
    provision_sudo
  fi
  mkdir -m 700 "$home/.ssh"
  echo "$AUTHORIZED_KEY" >"$home/.ssh/authorized_keys"
  if [ "$LOGIN" != root ]; then chown -R 1900:1900 "$home"; fi

  (umask 077 && printf '%s' "$HOST_KEY" >/etc/ssh/ssh_host_ed25519_key)
  cat >/etc/ssh/sshd_config <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 500
MaxSessions 100
PrintMotd no
PrintLastLog no
LogLevel INFO
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
CONF
}

LAB_PASSWORD_HASH='$6$ctfleetlab$.BCPeMGB9w3RpFQuYh/PMyPD/S1GpToqFfTYS/6y9uEnF7AiuvGWdTsJpW6tHIfsKOvhRAXFPVaQTfRZKivSB/'

provision_sudo() {
  local tag=''
  if [ "$SUDO" = nopasswd ]; then tag='NOPASSWD: '; fi
  printf '%s\n' 'Defaults env_reset' \
    'Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"' \
    'root ALL=(ALL:ALL) ALL' "$LOGIN ALL=(ALL:ALL) ${tag}ALL" >/etc/sudoers
}

boot_base() {
  mkdir -p /run/sshd /run/lock
  ip link set lo up
  ip -batch - <<BATCH
addr add $ADDRESS/$PREFIX dev eth0
addr add $ADDRESS6/64 dev eth0 nodad
link set eth0 up
route add default via $MACHINE
BATCH
  ip -6 route add default via "$MACHINE6"
  # Settings before rules, as at a real boot; keys that do not exist yet are lost there too.
  for file in /etc/sysctl.d/*.conf; do
    if [ -e "$file" ]; then sysctl -q -e -p "$file" || true; fi
  done
  if [ -s /etc/iptables/rules.v4 ]; then iptables-restore -w </etc/iptables/rules.v4; fi
  if [ -s /etc/iptables/rules.v6 ]; then ip6tables-restore -w </etc/iptables/rules.v6; fi
  if [ -s /etc/nftables.conf ]; then nft -f /etc/nftables.conf; fi
}

# Which iptables the host's administrator chose: nft or legacy.
use_iptables() {
  local family tool
  for family in iptables ip6tables; do
    for tool in '' -save -restore; do
      ln -sfn "/usr/sbin/$family-$1$tool" "/etc/alternatives/$family$tool"
    done
  done
}

# The usual server: everything dropped but answers and new connections to some ports. Arguments: the ports.
write_stateful_rules() {
  local port family icmp
  for family in v4 v6; do
    if [ "$family" = v4 ]; then icmp='icmp'; else icmp='ipv6-icmp'; fi
    {
      printf '%s\n' '*filter' ':INPUT DROP [0:0]' ':FORWARD DROP [0:0]' ':OUTPUT ACCEPT [0:0]' \
        '-A INPUT -i lo -j ACCEPT' '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
      for port in "$@"; do
        echo "-A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport $port -j ACCEPT"
      done
      # Unconditional: neighbour discovery is never tracked.
      printf '%s\n' "-A INPUT -p $icmp -j ACCEPT" COMMIT
    } >"/etc/iptables/rules.$family"
  done
}

start_sshd() {
  /usr/sbin/sshd -D -E /var/log/sshd.log &
}

# Echoes each line, on IPv4 and IPv6: enough to see whether connections open, and whether old ones live on.
start_echo() {
  local port
  for port in "$@"; do busybox nc -ll -p "$port" -e cat & done
}

wait_until_listening() {
  local tries
  for tries in $(seq 300); do
    if grep -q ':0016 0\+:0\+ 0A' /proc/net/tcp /proc/net/tcp6; then return 0; fi
    sleep 0.02
  done
  echo "$HOST: nothing listens on port 22 after $tries tries" >&2
  return 1
}
