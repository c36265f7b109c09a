import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from '../lab/command.ts'
import { exists } from '../lab/packages.ts'

/** The environment in which `python3` finds Ansible, or why there is none. */
export type Ansible = { readonly env: NodeJS.ProcessEnv } | { readonly why: string }

const PACKAGES = [
  'ansible-core',
  'python3-jinja2',
  'python3-markupsafe',
  'python3-yaml',
  'python3-packaging',
  'python3-resolvelib',
  'python3-cryptography',
  'python3-cffi-backend',
]

/** Ansible as it is installed, or Debian's own, unpacked once into the cache and never installed. */
export async function fetchAnsible(): Promise<Ansible> {
  if (!(await exists('/usr/bin/python3'))) return { why: 'Ansible needs /usr/bin/python3' }
  // A configuration of the machine's own would change what is measured; one that is not there is none.
  const quiet = { ...process.env, ANSIBLE_CONFIG: '/nonexistent/ansible.cfg', LC_ALL: 'C.UTF-8' }
  const installed = await run(['/usr/bin/python3', '-c', 'import ansible.cli.inventory'], { env: quiet })
  if (installed.code === 0) return { env: quiet }
  if (!(await exists('/usr/bin/apt-get'))) return { why: 'neither Ansible nor apt-get is installed' }
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ctfleet-lab')
  const dir = join(cache, 'ansible')
  if (!(await exists(dir))) {
    const why = await unpack(cache, dir)
    if (why !== null) return { why }
  }
  const env = { ...quiet, PYTHONPATH: join(dir, 'usr/lib/python3/dist-packages') }
  const works = await run(['/usr/bin/python3', '-c', 'import ansible.cli.inventory'], { env })
  return works.code === 0 ? { env } : { why: `Debian's Ansible does not run here: ${works.stderr.trim().slice(-200)}` }
}

async function unpack(cache: string, dir: string): Promise<string | null> {
  await mkdir(cache, { recursive: true })
  const making = await mkdtemp(join(cache, 'unpacking-'))
  try {
    const fetched = await run(['sh', '-c', `cd '${making}' && apt-get download -q ${PACKAGES.join(' ')}`], {
      timeoutSeconds: 120,
    })
    const files = (await readdir(making)).filter((name) => name.endsWith('.deb'))
    if (fetched.code !== 0 || files.length !== PACKAGES.length)
      return `Ansible cannot be fetched: ${fetched.stderr.trim().slice(-200)}`
    for (const file of files) {
      const { code, stderr } = await run(['dpkg', '-x', join(making, file), join(making, 'root')])
      if (code !== 0) return `${file} cannot be unpacked: ${stderr.trim().slice(-200)}`
    }
    // Another test may have been faster.
    await rename(join(making, 'root'), dir).catch(() => undefined)
    return null
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}
