import { readFile, rm } from 'node:fs/promises'
import { must } from './command.ts'

/** `jumps` as `ssh -J` takes them, empty for none. */
export type SshTarget = {
  readonly address: string
  readonly port: number
  readonly user: string
  readonly jumps?: string
}

/** ssh with nothing from the person's own configuration, agent or known hosts. */
export function sshCommand(labDir: string, target: SshTarget, command: string): string[] {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    `UserKnownHostsFile=${labDir}/known_hosts`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'ConnectTimeout=10',
    'LogLevel=ERROR',
  ]
  return [
    ...(target.jumps ? ['ssh', '-F', `${labDir}/ssh_config`, '-J', target.jumps] : ['ssh', '-F', 'none']),
    ...['-i', `${labDir}/id_ed25519`, '-p', String(target.port), '-l', target.user],
    ...options.flatMap((option) => ['-o', option]),
    ...[target.address, command],
  ]
}

/** A new key pair at `path` and `path`.pub; both halves as text. */
export async function generateKey(path: string): Promise<{ key: string; publicKey: string }> {
  await rm(path, { force: true })
  await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'ctfleet-lab', '-f', path])
  return { key: await readFile(path, 'utf8'), publicKey: (await readFile(`${path}.pub`, 'utf8')).trim() }
}

/** The public half of the key with which one logs in; made once, and kept while anything in DIR uses it. */
export async function labKey(dir: string): Promise<string> {
  const path = `${dir}/id_ed25519`
  const existing = await readFile(`${path}.pub`, 'utf8').catch(() => undefined)
  return existing?.trim() ?? (await generateKey(path)).publicKey
}
