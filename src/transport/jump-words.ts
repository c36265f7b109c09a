import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'
import { quote } from '../shell/script.ts'
import { homePath } from './fresh-file.ts'
import { DEFAULT_KNOWN_HOSTS } from './known-hosts.ts'

/** A host in between as one types it behind `ssh -J`, and as messages call it. */
export function nameOfJump({ user, address, port }: SshWay): string {
  const host = address.includes(':') ? `[${address}]` : address
  return port === 22 ? `${user}@${host}` : `${user}@${host}:${port}`
}

/** What to type to get to the last of them. */
export function loginAtJump(jumps: readonly SshWay[]): string {
  const last = lastJump(jumps)
  const before = jumps.slice(0, -1)
  const over = before.length === 0 ? '' : ` -J ${before.map(nameOfJump).join(',')}`
  return `ssh${over} -p ${last.port} ${last.user}@${last.address}`
}

/**
 * The commands that a fault names, as they have to be typed to go the same way: through the hosts in between, from which alone
 * others can be reached, and with the keys and the known hosts that ctfleet has from the inventory.
 */
export function typedBehind(jumps: readonly SshWay[], { code, message, next }: Fault, way?: SshWay): Fault {
  const options = [
    ...(jumps.length === 0 ? [] : ['-J', jumps.map(nameOfJump).join(',')]),
    ...(way === undefined ? [] : optionsOf(way)),
  ]
  const typed = next.replaceAll(/\bssh -v /g, () => `${['ssh', '-v', ...options].join(' ')} `)
  // It knows no way through others: it is run on the last of them.
  const scanned =
    jumps.length === 0 ? typed : typed.replaceAll(/\bssh-keyscan /g, () => `${loginAtJump(jumps)} ssh-keyscan `)
  return { code, message, next: scanned }
}

function optionsOf({ identityFiles, knownHostsFiles }: SshWay): readonly string[] {
  const usual = new Set(DEFAULT_KNOWN_HOSTS.map(homePath))
  const named = knownHostsFiles.filter((file) => !usual.has(homePath(file)))
  return [
    ...identityFiles.slice(0, 3).flatMap((file) => ['-i', quote(file)]),
    ...(named.length === 0 ? [] : ['-o', quote(`UserKnownHostsFile=${named.map((file) => `"${file}"`).join(' ')}`)]),
  ]
}

/** The one through which a host is reached at last; there has to be one. */
export function lastJump(jumps: readonly SshWay[]): SshWay {
  const last = jumps.at(-1)
  if (last === undefined) throw new TypeError('no host is in between')
  return last
}
