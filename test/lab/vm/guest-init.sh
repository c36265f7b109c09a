#!/bin/bash
# Process 1 of a virtual machine without systemd: what a boot does that matters to conntrack, in its usual order.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
ln -s /proc/self/fd /dev/fd
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${stream%:*}" "/dev/${stream#*:}"; done
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/sshd
hostname "$(cat /etc/hostname)"
# modules-load.d, then sysctl.d, then the rules: a setting whose module comes only with the rules is lost.
grep -hsv '^[#;]' /etc/modules /etc/modules-load.d/*.conf | while read -r module; do
  if [ -n "$module" ]; then modprobe -q "$module"; fi
done
for file in /etc/sysctl.d/*.conf; do sysctl -q -e -p "$file"; done
if [ -s /etc/iptables/rules.v4 ] || [ -s /etc/iptables/rules.v6 ]; then netfilter-persistent start; fi
lab-network
busybox nc -ll -p 80 -e cat &
/usr/sbin/sshd -D &
while :; do
  sleep infinity &
  wait $!
done
