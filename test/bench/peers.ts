import { must } from '../lab/command.ts'
import { exists } from '../lab/packages.ts'

/** Debian's packages of the tools that do the same work, by the program that tells whether each is there. */
const PEERS = { 'ansible-core': '/usr/bin/ansible', clustershell: '/usr/bin/clush' }

/** Installs them where apt can; a tool that is missing all the same is left out of the table, with that as its reason. */
export async function ensurePeers(say: (line: string) => void): Promise<void> {
  const missing: string[] = []
  for (const [name, file] of Object.entries(PEERS)) if (!(await exists(file))) missing.push(name)
  if (missing.length === 0) return
  say(`installing ${missing.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const words = ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '-q', '--no-install-recommends', ...missing]
  await must(['apt-get', ...words], { timeoutSeconds: 300, env }).catch((error: unknown) =>
    say(`they cannot be installed: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}`),
  )
}
