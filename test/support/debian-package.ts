import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must, run } from '../lab/command.ts'
import type { NamespaceHost } from '../lab/index.ts'
import { exists } from '../lab/packages.ts'

/** A package's file, or why it cannot be had. */
export type Package = { readonly deb: string } | { readonly why: string }

/** Only fetched, not installed: what it brings would be on every host of every lab. */
export async function fetchPackage(name: string): Promise<Package & AsyncDisposable> {
  const dir = await mkdtemp(join(tmpdir(), 'ctfleet-package-'))
  const done = { [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
  if (!(await exists('/usr/bin/apt-get'))) return { why: 'apt-get is not installed', ...done }
  const { code, stderr } = await run(['sh', '-c', `cd ${dir} && apt-get download -q ${name}`], { timeoutSeconds: 60 })
  const [file] = await readdir(dir)
  if (code !== 0 || file === undefined) return { why: `${name} cannot be fetched: ${stderr.slice(0, 200)}`, ...done }
  return { deb: join(dir, file), ...done }
}

/** Puts its files in place on a host; nothing of it is run. */
export async function unpackOn(host: NamespaceHost, { deb }: Package & { readonly deb: string }): Promise<void> {
  await must(['cp', deb, `/proc/${await host.pid()}/root/root/package.deb`])
  const unpack =
    'dpkg-deb --fsys-tarfile /root/package.deb | tar -x --keep-directory-symlink -C /; rm /root/package.deb'
  const { code, stderr } = await host.exec(unpack)
  if (code !== 0) throw new Error(`${host.name}: ${stderr}`)
}
