#!/bin/busybox sh
# Loads what the root disk and the network card need, gives the guest its identity, and hands over.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
for module in /modules/*.ko; do $b insmod "$module"; done
tries=0
until [ -b /dev/vda ] || [ $tries -ge 100 ]; do
  tries=$((tries + 1))
  $b sleep 0.1
done
$b mount -t ext4 -o rw /dev/vda /new || exec $b sh

# /identity comes with an archive of its own, appended per virtual machine: one cached image serves all.
if [ ! -f /identity/hostname ]; then
  echo 'lab: no identity in the initramfs'
  $b poweroff -f
fi
$b mkdir -p /new/root/.ssh
$b chmod 700 /new/root /new/root/.ssh
$b cp /identity/authorized_keys /new/root/.ssh/authorized_keys
$b cp /identity/ssh_host_ed25519_key /new/etc/ssh/ssh_host_ed25519_key
$b chmod 600 /new/root/.ssh/authorized_keys /new/etc/ssh/ssh_host_ed25519_key
$b cp /identity/hostname /new/etc/hostname
echo "127.0.0.1 localhost $($b cat /identity/hostname)" >/new/etc/hosts

init=/sbin/lab-init
for word in $($b cat /proc/cmdline); do
  case $word in lab.init=*) init=${word#lab.init=} ;; esac
done
$b umount /sys /dev /proc
exec $b switch_root /new "$init"
