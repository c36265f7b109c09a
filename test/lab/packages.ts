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
  zsh: '/usr/bin/zsh',
  // What a few hosts have as /bin/sh.
  'ksh93u+m': '/usr/bin/ksh93',
  mksh: '/usr/bin/mksh',
  // Holds what we write as XML against its schema.
  'libxml2-utils': '/usr/bin/xmllint',
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

  await install(missing, say)
  // Installed by us, so it must not come up by itself at the machine's next boot either.
  if (missing.includes('openssh-server') && (await exists('/run/systemd/system'))) {
    await must(['systemctl', 'disable', 'ssh.service', 'ssh.socket'])
  }
}

/**
 * Installs one of Debian's packages that few tests need, where this machine lacks it.
 * @param file one of it, which tells whether it is installed
 * @returns why it is not here, or null
 */
export async function whyWithout(name: string, file: string): Promise<string | null> {
  if (await exists(file)) return null
  if (process.getuid?.() !== 0) return `${name} is not installed, and only root could`
  if (!(await exists('/usr/bin/apt-get'))) return `${name} is not installed, and this machine has no apt-get`
  try {
    await install([name], (line) => process.stderr.write(`${line}\n`))
  } catch (error) {
    return `${name} cannot be installed: ${String(error).slice(0, 200)}`
  }
  return (await exists(file)) ? null : `${name} is installed, and brought no ${file}`
}

/** Two of them at a time wait for each other. */
async function install(names: readonly string[], say: (line: string) => void): Promise<void> {
  say(`installing ${names.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...words: readonly string[]) => ['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=300', ...words]
  // One foreign source that fails must not stop us; if it was the one that matters, the installation says so.
  await run(apt('update'), { timeoutSeconds: 180, env })
  await withoutStartingDaemons(() =>
    must(apt('install', '-y', '--no-install-recommends', ...names), { timeoutSeconds: 900, env }),
  )
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
