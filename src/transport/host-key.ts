import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'
import { quote } from '../shell/script.ts'
import { fingerprint } from './identities.ts'
import { DEFAULT_KNOWN_HOSTS, type KeyVerdict, type KnownKeys, keyType, knownName } from './known-hosts.ts'
import type { ServerHostKeyAlgorithm } from './ssh2.ts'

/** Signature algorithms by key type, best first; a host with several keys must show the one we know. */
export const KEY_ALGORITHMS: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
}

/** All that ssh2 speaks, those first whose keys are known for the host. */
export function algorithmsFor({ own, ofAddress }: KnownKeys): ServerHostKeyAlgorithm[] {
  const trusted = (keys: KnownKeys['own']) => keys.filter(({ mark }) => mark === 'trusted').map(({ type }) => type)
  // What is known of the host itself goes before what is known of its address, as it does when its key is judged.
  const types = new Set([...trusted(own), ...trusted(ofAddress), ...Object.keys(KEY_ALGORITHMS)])
  return [...types].flatMap((type) => (Object.hasOwn(KEY_ALGORITHMS, type) ? (KEY_ALGORITHMS[type] ?? []) : []))
}

/** Why a host key is not accepted, and how to find out who is right. */
export function hostKeyFault(verdict: Exclude<KeyVerdict, { verdict: 'known' }>, key: Buffer, host: SshWay): Fault {
  const type = keyType(key)
  const print = `${type} ${fingerprint(key)}`
  const short = SHORT[type] ?? 'rsa'
  const name = knownName(host)
  const file = host.knownHostsFiles[0] ?? (DEFAULT_KNOWN_HOSTS[0] as string)
  const compare = `compare on its console: ssh-keygen -lf /etc/ssh/ssh_host_${short}_key.pub`
  const scan = `ssh-keyscan -t ${short} -p ${host.port} ${quote(host.address)} >> ${shellPath(file)}`
  switch (verdict.verdict) {
    case 'revoked':
      return {
        code: 'host-key-revoked',
        message: `its host key ${print} is marked as revoked at ${verdict.entry.origin}`,
        next: 'Do not connect: somebody may hold the private key. Give the host a new one (ssh-keygen -A) from its console',
      }
    case 'changed': {
      const known = Buffer.from(verdict.entry.key, 'base64')
      return {
        code: 'host-key-changed',
        message: `its host key is ${print}, but ${verdict.entry.origin} has ${fingerprint(known)}: another machine answers, or the key was replaced`,
        next: `First ${compare}; if it is the same: ssh-keygen -R ${quote(name)} -f ${shellPath(fileOf(verdict.entry.origin))} && ${scan}`,
      }
    }
    case 'unknown': {
      const authority = verdict.entries.find(({ mark }) => mark === 'cert-authority')
      const other = verdict.entries.find(({ mark }) => mark === 'trusted')
      const also =
        other !== undefined
          ? `; ${other.origin} has another kind of key, ${other.type}`
          : authority !== undefined
            ? `; ${authority.origin} trusts a certificate authority, which only the system's ssh can ask`
            : ''
      return {
        code: 'host-key-unknown',
        message: `its host key ${print} is not known${also}`,
        next: `First ${compare}; if it is the same: ${writing(host, scan)}`,
      }
    }
  }
}

let named: string | null = null

/**
 * How the hosts that are meant are named to another command, so that a remedy can be typed as it stands; without it, and where
 * hosts were named in several ways, there is a placeholder.
 */
export function hostsNamed(words: readonly string[]): void {
  const said = words.map(quote).join(' ')
  named = said.length <= LONGEST_NAMED && (named === null || named === said) ? said : PLACEHOLDER
}

const PLACEHOLDER = 'INVENTORY'
/** Characters: a longer one, of hosts one by one, would hide the rest of the sentence. */
const LONGEST_NAMED = 120

/** `ssh-keyscan` knows no alias, and /dev/null keeps nothing. */
function writing({ hostKeyAlias, knownHostsFiles: [file] }: SshWay, scan: string): string {
  const keys = `ctfleet keys ${named ?? PLACEHOLDER}`.trimEnd()
  if (file === '/dev/null') return `name a UserKnownHostsFile that keeps it in place of /dev/null, then: ${keys}`
  return hostKeyAlias === undefined ? `${keys} writes it down, as does ${scan}` : `${keys} writes it down`
}

/** As ssh-keyscan and the files in /etc/ssh call them. */
const SHORT: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'ed25519',
  'ecdsa-sha2-nistp256': 'ecdsa',
  'ecdsa-sha2-nistp384': 'ecdsa',
  'ecdsa-sha2-nistp521': 'ecdsa',
  'ssh-rsa': 'rsa',
}

/** `~` must stay bare, or the shell will not expand it. */
function shellPath(path: string): string {
  return path.startsWith('~/') ? `~/${quote(path.slice(2))}` : quote(path)
}

function fileOf(origin: string): string {
  return origin.slice(0, origin.lastIndexOf(':'))
}
