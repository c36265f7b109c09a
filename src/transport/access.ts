import { homedir, userInfo } from 'node:os'
import { resolve } from 'node:path'
import { cwd, env } from 'node:process'
import type { Complaint } from '../input/complaint.ts'
import type { Host, InventoryHost, SshOption } from '../model/host.ts'
import { DEFAULT_KNOWN_HOSTS } from './known-hosts.ts'

/** Hosts with all that is needed to reach them, or what is wrong with the way to some. */
export type Resolved = { readonly hosts: readonly Host[]; readonly complaints: readonly Complaint[] }

/** What the inventory says of the way to each host, made whole. */
export async function resolveWays(hosts: readonly InventoryHost[]): Promise<Resolved> {
  return { hosts: hosts.map(resolveWay), complaints: [] }
}

function resolveWay({ sshOptions, sshConfigFile: _, ...host }: InventoryHost): Host {
  const all = (keyword: string) => sshOptions.filter((option) => isOf(option, keyword)).map(({ value }) => value)
  const [userFiles = DEFAULT_KNOWN_HOSTS[0] as string] = all('UserKnownHostsFile')
  const [globalFiles = DEFAULT_KNOWN_HOSTS[1] as string] = all('GlobalKnownHostsFile')
  const known = [...namesIn(userFiles), ...namesIn(globalFiles)].filter(
    (file) => file !== 'none' && file !== '/dev/null',
  )
  return {
    ...host,
    port: Number(all('Port')[0] ?? 22),
    user: all('User')[0] ?? loginName(),
    identityFiles: all('IdentityFile').map(pathOf),
    knownHostsFiles: known.map(pathOf),
  }
}

function isOf({ keyword }: SshOption, name: string): boolean {
  return keyword.toLowerCase() === name.toLowerCase()
}

function namesIn(value: string): readonly string[] {
  return [...value.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
}

function pathOf(name: string): string {
  return resolve(cwd(), name.replace(/^~(?=$|\/)/, homedir()))
}

function loginName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run us under a number that no user has.
    return env.USER ?? 'root'
  }
}
