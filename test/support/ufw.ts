import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must, run } from '../lab/command.ts'
import type { NamespaceHost } from '../lab/index.ts'
import { exists } from '../lab/packages.ts'

/** Where ufw comes from: this machine's own, or its package, which is unpacked in hosts of the lab alone; or why it cannot be had. */
export type Ufw = { readonly deb: string | null } | { readonly why: string }

/** The package is only fetched: installed, it would be in /etc of every host of every lab. */
export async function fetchUfw(): Promise<Ufw & AsyncDisposable> {
  const dir = await mkdtemp(join(tmpdir(), 'ctfleet-ufw-'))
  const done = { [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
  // The program is in Debian's own python.
  if (!(await exists('/usr/bin/python3'))) return { why: 'ufw needs /usr/bin/python3', ...done }
  if (await exists('/usr/sbin/ufw')) return { deb: null, ...done }
  if (!(await exists('/usr/bin/apt-get'))) return { why: 'neither ufw nor apt-get is installed', ...done }
  const { code, stderr } = await run(['sh', '-c', `cd ${dir} && apt-get download -q ufw`], { timeoutSeconds: 60 })
  const [file] = await readdir(dir)
  if (code !== 0 || file === undefined) return { why: `ufw cannot be fetched: ${stderr.trim().slice(0, 200)}`, ...done }
  return { deb: join(dir, file), ...done }
}

/** Puts ufw in place on a host, as the package does it, and enables it there with these commands of its own. */
export async function ufwOn(
  host: NamespaceHost,
  ufw: Ufw & { readonly deb: string | null },
  commands: readonly string[],
): Promise<void> {
  if (ufw.deb !== null) await must(['cp', ufw.deb, `/proc/${await host.pid()}/root/root/ufw.deb`])
  const ended = await host.exec(
    `set -e
if [ -e /root/ufw.deb ]; then
  # /lib and its like are links on most systems, and stay so.
  dpkg-deb --fsys-tarfile /root/ufw.deb | tar -x --keep-directory-symlink -C /
  rm /root/ufw.deb
fi
cd /usr/share/ufw
cp iptables/*.rules before.init after.init ufw.conf /etc/ufw/
chmod 640 /etc/ufw/*.rules /etc/ufw/*.init
mkdir -p /etc/systemd/system/multi-user.target.wants
for unit in /lib/systemd/system/ufw.service /usr/lib/systemd/system/ufw.service; do
  if [ -e $unit ]; then ln -sf $unit /etc/systemd/system/multi-user.target.wants/ufw.service; fi
done
${commands.join('\n')}
ufw --force enable`,
    { timeoutSeconds: 120 },
  )
  if (ended.code !== 0) throw new Error(`${host.name}: ${ended.stderr}${ended.stdout}`)
}
