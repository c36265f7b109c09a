#!/bin/sh
# Builds kernel, initramfs and root file system of the virtual machine in the directory OUT.
# From the environment: OUT, HERE (this directory), SUITE, MIRROR, PACKAGES (comma separated). Progress goes to stderr.
set -eu
root=$OUT/root
note() { echo "vm image: $*" >&2; }

# Downloaded and unpacked, not installed: this machine keeps its own kernel.
note 'downloading the kernel'
mkdir "$OUT/debs" "$OUT/kernel"
cd "$OUT/debs"
image=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
[ -n "$image" ] || { echo "apt knows no linux-image-cloud-amd64" >&2; exit 1; }
apt-get download -q "$image" >&2
dpkg -x "$image"_*.deb "$OUT/kernel"
rm "$image"_*.deb
version=${image#linux-image-}
# Not by debootstrap: their installation would save this machine's rules, unless it is told not to.
apt-get download -q netfilter-persistent iptables-persistent >&2

note "debootstrap $SUITE (about a minute)"
debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$root" "$MIRROR" >"$OUT/debootstrap.log" 2>&1 || {
  tail -n 20 "$OUT/debootstrap.log" >&2
  exit 1
}

note 'configuring the guest'
mkdir "$root/debs"
cp "$OUT"/debs/*.deb "$root/debs"
for family in v4 v6; do
  echo "iptables-persistent iptables-persistent/autosave_$family boolean false"
done | chroot "$root" debconf-set-selections
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
DEBIAN_FRONTEND=noninteractive chroot "$root" sh -c 'dpkg -i /debs/*.deb' >>"$OUT/debootstrap.log" 2>&1
rm -rf "$root/debs" "$root/usr/sbin/policy-rc.d" "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
cp -a "$OUT/kernel/lib/modules" "$root/lib/"
depmod -b "$root" "$version"

install -m 755 "$HERE/guest-init.sh" "$root/sbin/lab-init"
install -m 755 "$HERE/guest-network.sh" "$root/usr/local/sbin/lab-network"
install -m 644 "$HERE/sshd_config" "$root/etc/ssh/sshd_config"
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
# Empty, not absent: at what systemd takes for a first boot it enables every service, nftables among them.
: >"$root/etc/machine-id"
echo '/dev/vda / ext4 defaults 0 0' >"$root/etc/fstab"
: >"$root/etc/resolv.conf"
# systemd as init: the same network and echo service, and nothing that only delays a boot. What the guest needs of
# drivers is there before udev, so it need not look for more.
cp "$HERE"/lab-*.service "$root/etc/systemd/system/"
wants=$root/etc/systemd/system/multi-user.target.wants
mkdir -p "$wants"
for unit in lab-network lab-echo; do ln -sf "/etc/systemd/system/$unit.service" "$wants/$unit.service"; done
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
for unit in getty@tty1.service serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
  e2scrub_reap.service dpkg-db-backup.timer fstrim.timer systemd-timesyncd.service systemd-networkd.service \
  systemd-udev-trigger.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

note 'initramfs'
ramfs=$OUT/initramfs
mkdir -p "$ramfs/bin" "$ramfs/modules" "$ramfs/proc" "$ramfs/sys" "$ramfs/dev" "$ramfs/new"
cp "$(command -v busybox)" "$ramfs/bin/busybox"
install -m 755 "$HERE/initramfs-init.sh" "$ramfs/init"
order=0
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk failover \
  net_failover virtio_net; do
  order=$((order + 1))
  # Their file names carry the order in which they have to go in.
  find "$root/lib/modules/$version" -name "$module.ko" -exec cp {} "$ramfs/modules/0$order-$module.ko" \;
done
(cd "$ramfs" && find . | cpio --quiet -o -H newc) | gzip -1 >"$OUT/initrd.gz"
# The kernel looks for a further archive only at multiples of four.
truncate -s %4 "$OUT/initrd.gz"
cp "$OUT/kernel/boot/vmlinuz-$version" "$OUT/vmlinuz"

note 'root file system'
mkfs.ext4 -q -d "$root" -L lab-root "$OUT/root.img" 1200M >&2
rm -rf "$root" "$OUT/kernel" "$OUT/debs" "$ramfs"
