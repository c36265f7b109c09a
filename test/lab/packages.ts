import { access, chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { must, run } from './command.ts'

/** One file of each Debian package that tells whether the package is installed. */
const NAMESPACE_PACKAGES = {
  iptables: '/usr/sbin/iptables-nft',
  nftables: '/usr/sbin/nft',
  conntrack: '/usr/sbin/conntrack',
  'openssh-server': '/usr/sbin/sshd',
  'openssh-client': '/usr/bin/ssh',
  iproute2: '/usr/sbin/ip',
  kmod: '/usr/sbin/modprobe',
  'iputils-ping': '/usr/bin/ping',
  sudo: '/usr/bin/sudo',
  'busybox-static': '/usr/bin/busybox',
  // Login shells of some users.
  fish: '/usr/bin/fish',
  tcsh: '/usr/bin/tcsh',
}

const VM_PACKAGES = {
  'qemu-system-x86': '/usr/bin/qemu-system-x86_64',
  debootstrap: '/usr/sbin/debootstrap',
  'busybox-static': '/usr/bin/busybox',
  e2fsprogs: '/usr/sbin/mkfs.ext4',
  kmod: '/usr/sbin/depmod',
  cpio: '/usr/bin/cpio',
  'openssh-client': '/usr/bin/ssh',
}

const POLICY = '/usr/sbin/policy-rc.d'

/** Installs what the namespace hosts or the virtual machines need and this machine lacks; throws when apt cannot. */
export async function ensurePackages(use: 'namespaces' | 'vm', say: (line: string) => void): Promise<void> {
  const wanted = Object.entries(use === 'vm' ? VM_PACKAGES : NAMESPACE_PACKAGES)
  const missing: string[] = []
  for (const [name, file] of wanted) if (!(await exists(file))) missing.push(name)
  if (missing.length === 0) return
  if (!(await exists('/usr/bin/apt-get'))) throw new Error(`install ${missing.join(', ')}: this machine has no apt-get`)

  say(`installing ${missing.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // One foreign source that fails must not stop us; if it was the one that matters, the installation says so.
  await run(['apt-get', 'update', '-q'], { timeoutSeconds: 180, env })
  await withoutStartingDaemons(() =>
    must(['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...missing], { timeoutSeconds: 900, env }),
  )
  // Installed by us, so it must not come up by itself at the machine's next boot either.
  if (missing.includes('openssh-server') && (await exists('/run/systemd/system'))) {
    await must(['systemctl', 'disable', 'ssh.service', 'ssh.socket'])
  }
}

/** Debian asks policy-rc.d before a package starts its service; 101 forbids it. A policy that was there comes back. */
async function withoutStartingDaemons(install: () => Promise<unknown>): Promise<void> {
  const kept = `${POLICY}.before-lab`
  const had = await exists(POLICY)
  if (had) await rename(POLICY, kept)
  try {
    await writeFile(POLICY, '#!/bin/sh\nexit 101\n')
    await chmod(POLICY, 0o755)
    await install()
  } finally {
    await rm(POLICY, { force: true })
    if (had) await rename(kept, POLICY)
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** The text of a file, or undefined where it cannot be read. */
export async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
