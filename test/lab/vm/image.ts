import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ensurePackages, exists } from '../packages.ts'
import { downloadEnvironment, mirrorFor } from './mirror.ts'

const HERE = import.meta.dirname
const SUITE = 'bookworm'
const GUEST_PACKAGES = [
  ...['openssh-server', 'iptables', 'nftables', 'conntrack', 'kmod', 'iproute2', 'procps', 'sudo', 'iputils-ping'],
  ...['systemd-sysv', 'udev', 'dbus', 'busybox-static'],
]
const BUILD_SECONDS = 900

export type Image = { readonly kernel: string; readonly initrd: string; readonly disk: string }

/** The virtual machine's image from the cache, built first where the recipe has changed; needs root, about 2 minutes. */
export async function vmImage(say: (line: string) => void): Promise<Image> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ctfleet-lab')
  const dir = join(cache, await recipeHash())
  if (!(await exists(join(dir, 'root.img')))) {
    if (process.getuid?.() !== 0) throw new Error('building the virtual machine needs root (debootstrap)')
    await ensurePackages('vm', say)
    await mkdir(cache, { recursive: true })
    await build(cache, dir)
  }
  return { kernel: join(dir, 'vmlinuz'), initrd: join(dir, 'initrd.gz'), disk: join(dir, 'root.img') }
}

/** Everything that decides what is in the image. */
async function recipeHash(): Promise<string> {
  const hash = createHash('sha256').update([SUITE, ...GUEST_PACKAGES].join())
  for (const file of (await readdir(HERE)).sort()) {
    if (!file.endsWith('.ts')) hash.update(file).update(await readFile(join(HERE, file)))
  }
  return hash.digest('hex').slice(0, 16)
}

/** Builds beside its place and moves it there when it is whole: a build that was cut off is never mistaken for one. */
async function build(cache: string, dir: string): Promise<void> {
  const out = await mkdtemp(join(cache, 'building-'))
  try {
    const { env, wgetrc } = await downloadEnvironment(join(out, 'wgetrc'))
    await writeFile(join(out, 'wgetrc'), wgetrc)
    const recipe = { OUT: out, HERE, SUITE, MIRROR: await mirrorFor(SUITE), PACKAGES: GUEST_PACKAGES.join() }
    const code = await new Promise<number | null>((resolve, reject) => {
      // In a mount namespace of its own, so that nothing debootstrap mounts can be left, or be deleted through.
      const child = spawn('unshare', ['--mount', 'sh', join(HERE, 'build-image.sh')], {
        env: { ...env, ...recipe },
        stdio: ['ignore', 2, 2],
        timeout: BUILD_SECONDS * 1000,
      })
      child.on('error', reject)
      child.on('exit', resolve)
    })
    if (code !== 0) throw new Error(`building the virtual machine's image failed (${code ?? 'timed out'})`)
    // Two builds at once end with the first one's result.
    await rename(out, dir).catch(async (error: unknown) => {
      if (!(await exists(join(dir, 'root.img')))) throw error
    })
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}
