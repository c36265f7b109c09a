#!/bin/bash
# Process 1 of a namespace host. Started in fresh mount, uts, ipc and pid namespaces inside the host's network
# namespace; makes a root of its own, then configures the host as its personality wants and stays as the reaper.
# bash, not sh: its PID 1 reaps orphans that it did not start.
#
# From the environment: HOST, PERSONALITY (a file), DIR (the host's directory in the lab), LOGIN, SUDO,
# ADDRESS, ADDRESS6, PREFIX, MACHINE, MACHINE6, INSIDE, INSIDE6, HOST_KEY, AUTHORIZED_KEY, FIRST_BOOT (yes or no).
set -euo pipefail
# /proc is still the machine's, so this is the pid by which the lab knows us.
read -r pid _ </proc/self/stat
echo "$pid" >"$DIR/init.pid"
# Outlives the change of root; "ready" goes through it.
exec 3>"$DIR/state"

# shellcheck source=/dev/null
. "${BASH_SOURCE[0]%/*}/host-setup.sh"
# shellcheck source=/dev/null
. "$PERSONALITY"

# A private, writable copy of the machine's file systems: what a host writes stays in DIR/upper.
private_copy() {
  local name=${1:-root}
  mkdir -p "$DIR/upper/$name" "$DIR/work/$name"
  mount -t overlay overlay -o "lowerdir=/$1,upperdir=$DIR/upper/$name,workdir=$DIR/work/$name" "$root/$1"
}

root=$DIR/new
mkdir -p "$root" "$DIR/home" "$DIR/roothome"
private_copy ''
for top in usr etc var opt lib lib64 bin sbin; do
  if [ ! -L "/$top" ] && mountpoint -q "/$top"; then private_copy "$top"; fi
done
# People's homes, agents' sockets and the machine's services are not the host's.
mount --bind "$DIR/roothome" "$root/root"
mount --bind "$DIR/home" "$root/home"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

mount -t proc proc "$root/proc"
# As in containers: of the kernel's settings only those of the network namespace can be written.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,rw "$root/proc/sys/net"
if [ -e /proc/sysrq-trigger ]; then mount --bind -o ro /dev/null "$root/proc/sysrq-trigger"; fi
cat /proc/sys/kernel/random/uuid >"$DIR/boot_id"
mount --bind "$DIR/boot_id" "$root/proc/sys/kernel/random/boot_id"
mount -t sysfs -o ro sysfs "$root/sys"

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
# Nodes of the host's own: a chmod in there must not reach the machine's. Where none can be made, the machine's read-only.
while read -r device major minor; do
  if ! mknod -m 666 "$root/dev/$device" c "$major" "$minor" 2>/dev/null; then
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
    mount -o remount,bind,ro "$root/dev/$device"
  fi
done <<'NODES'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
kmsg 1 11
NODES
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"

cd "$root"
mkdir run/machine
pivot_root . run/machine
cd /
umount -l /run/machine
rmdir /run/machine

export -n HOST_KEY AUTHORIZED_KEY
hostname "$HOST"
if [ "$FIRST_BOOT" = yes ]; then
  provision_base
  provision
fi
boot_base
boot
wait_until_listening
echo ready >&3
exec 3>&-

# The children are services; whatever else is orphaned is reaped while we wait for a sleep that never ends.
while :; do
  sleep infinity &
  wait $! || true
done
