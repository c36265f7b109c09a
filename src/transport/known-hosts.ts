import { createHmac, randomBytes } from 'node:crypto'
import { freshFile, homePath } from './fresh-file.ts'
import { matchesAny } from './ssh-config-patterns.ts'

/** One key of a known_hosts file. */
export type KnownKey = {
  readonly mark: 'trusted' | 'revoked' | 'cert-authority'
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  readonly type: string
  /** Base64 as the file has it. */
  readonly key: string
  /** `file:line` */
  readonly origin: string
}

export type KnownKeys = {
  readonly own: readonly KnownKey[]
  /** As OpenSSH: a key known for the address alone is good for its other ports too, but another one there is no alarm. */
  readonly ofAddress: readonly KnownKey[]
}

/** Where a host is, as known_hosts files name it: by its alias where it has one, whatever its port. */
export type HostAddress = { readonly address: string; readonly port: number; readonly hostKeyAlias?: string }

/** What the files say about a key that a host showed. */
export type KeyVerdict =
  | { readonly verdict: 'known' }
  | { readonly verdict: 'revoked'; readonly entry: KnownKey }
  /** The files have other keys of the same type for this host. */
  | { readonly verdict: 'changed'; readonly entry: KnownKey }
  /** `entries`: keys of other types, and certificate authorities, which only the system's ssh can ask. */
  | { readonly verdict: 'unknown'; readonly entries: readonly KnownKey[] }

export type PathComplaint = { readonly path: string; readonly message: string; readonly hint: string }

/** Two of the user, two of the system, as ssh reads them. */
export const DEFAULT_KNOWN_HOSTS: readonly string[] = [
  '~/.ssh/known_hosts',
  '~/.ssh/known_hosts2',
  '/etc/ssh/ssh_known_hosts',
  '/etc/ssh/ssh_known_hosts2',
]

/** Everything that known_hosts files say about one host. Files that are missing or unreadable say nothing. */
export async function findKnownKeys(files: readonly string[], place: HostAddress): Promise<KnownKeys> {
  const read = await Promise.all(files.map((file) => knownHostsFile(file)))
  const known = read.flatMap((file) => ('unreadable' in file ? [] : [file]))
  const named = (name: string) => known.flatMap((file) => keysFor(file, name))
  const { address, port, hostKeyAlias } = place
  const ofAddress = hostKeyAlias !== undefined || port === 22 ? [] : named(address.toLowerCase())
  return { own: named(knownName(place)), ofAddress }
}

/** What a line for this host begins with. */
export function knownName({ address, port, hostKeyAlias }: HostAddress): string {
  const name = (hostKeyAlias ?? address).toLowerCase()
  return hostKeyAlias !== undefined || port === 22 ? name : `[${name}]:${port}`
}

/** What a line says in place of the name, where nobody is to read the names of hosts in the file. */
export function hashedName(name: string, salt: Buffer = randomBytes(20)): string {
  return `|1|${salt.toString('base64')}|${hashOf(name, salt)}`
}

function hashOf(name: string, salt: Buffer): string {
  return createHmac('sha1', salt).update(name).digest('base64')
}

/**
 * As OpenSSH: keys of the address alone are asked only where there is none of this kind for the host and its port, or
 * whatever else listens at the address could pass for it.
 * @param key the host key as it came over the wire.
 */
export function judgeHostKey({ own, ofAddress }: KnownKeys, key: Buffer): KeyVerdict {
  const isSame = (entry: KnownKey) => Buffer.from(entry.key, 'base64').equals(key)
  const revoked = [...own, ...ofAddress].find((entry) => entry.mark === 'revoked' && isSame(entry))
  if (revoked !== undefined) return { verdict: 'revoked', entry: revoked }
  const type = keyType(key)
  const ofKind = own.filter((each) => each.mark === 'trusted' && each.type === type)
  if (ofKind.some(isSame)) return { verdict: 'known' }
  const [entry] = ofKind
  if (entry !== undefined) return { verdict: 'changed', entry }
  if (ofAddress.some((each) => each.mark === 'trusted' && isSame(each))) return { verdict: 'known' }
  return { verdict: 'unknown', entries: own.filter(({ mark }) => mark !== 'revoked') }
}

/** Complaints about files that cannot be read; they may be missing as long as a host has another, or the usual ones. */
export async function checkKnownHosts(
  hosts: readonly { readonly knownHostsFiles: readonly string[] }[],
): Promise<readonly PathComplaint[]> {
  const usual = new Set(DEFAULT_KNOWN_HOSTS.map(homePath))
  const complaints = new Map<string, PathComplaint>()
  for (const each of new Set(hosts.map(({ knownHostsFiles }) => knownHostsFiles.join('\n')))) {
    const paths = each.split('\n').filter((path) => path !== '')
    const read = await Promise.all(paths.map(async (path) => ({ path, file: await knownHostsFile(path) })))
    const isElse = read.some(({ path, file }) => !('unreadable' in file) || usual.has(homePath(path)))
    for (const { path, file } of read) {
      if (!('unreadable' in file) || (file.missing && isElse) || usual.has(homePath(path))) continue
      complaints.set(path, {
        path,
        message: `the known_hosts file cannot be used: ${file.unreadable}`,
        hint: 'Name a file of known host keys that this user can read, or leave it out for ~/.ssh/known_hosts',
      })
    }
  }
  return [...complaints.values()]
}

/** The name that a key blob begins with; empty if there is none. */
export function keyType(key: Buffer): string {
  return key.length < 4 ? '' : key.toString('latin1', 4, Math.min(4 + key.readUInt32BE(0), key.length, 68))
}

type KnownHostsFile = {
  /** Plain names; a fleet's file may hold a hundred thousand of them. */
  readonly plain: ReadonlyMap<string, readonly KnownKey[]>
  readonly patterns: readonly { readonly names: readonly string[]; readonly entry: KnownKey }[]
  readonly hashed: readonly { readonly salt: Buffer; readonly hash: string; readonly entry: KnownKey }[]
  /** What was searched for already, by name. */
  readonly found: Map<string, readonly KnownKey[]>
}

const knownHostsFile = freshFile(parse)

/** Lines that are no known host are passed over, as OpenSSH does: they cannot make a key known. */
function parse(bytes: Buffer, path: string): KnownHostsFile {
  const plain = new Map<string, KnownKey[]>()
  const patterns: KnownHostsFile['patterns'][number][] = []
  const hashed: KnownHostsFile['hashed'][number][] = []
  for (const [index, line] of bytes.toString('utf8').split('\n').entries()) {
    const [, marker, names = '', type = '', key = ''] =
      /^[ \t]*(?:(@\S+)[ \t]+)?([^\s#]\S*)[ \t]+([a-z]\S*)[ \t]+([A-Za-z0-9+/]+={0,2})(?=\s|$)/.exec(line) ?? []
    const mark = marker === undefined ? 'trusted' : marker.slice(1)
    if (key === '' || !(mark === 'trusted' || mark === 'revoked' || mark === 'cert-authority')) continue
    const entry: KnownKey = { mark, type, key, origin: `${path}:${index + 1}` }
    const [, salt, hash] = /^\|1\|([^|]+)\|([^|]+)$/.exec(names) ?? []
    const each = names.toLowerCase().split(',')
    if (names.startsWith('|') && (salt === undefined || Buffer.from(salt, 'base64').length !== HASH_BYTES)) continue
    if (salt !== undefined && hash !== undefined) hashed.push({ salt: Buffer.from(salt, 'base64'), hash, entry })
    else if (/[*?!]/.test(names)) patterns.push({ names: each, entry })
    else for (const name of each) plain.set(name, [...(plain.get(name) ?? []), entry])
  }
  return { plain, patterns, hashed, found: new Map() }
}

/** Of SHA-1, and so of a salt. */
const HASH_BYTES = 20

/** A line whose key is of another type than it says is no known host. */
/** A host is asked for by plan, by apply and by its confirmation, and hashed lines are tried one by one. */
function keysFor(file: KnownHostsFile, name: string): readonly KnownKey[] {
  const before = file.found.get(name)
  if (before !== undefined) return before
  const keys = searched(file, name)
  if (file.found.size < MOST_FOUND) file.found.set(name, keys)
  return keys
}

const MOST_FOUND = 50_000

function searched(file: KnownHostsFile, name: string): readonly KnownKey[] {
  return [
    ...(file.plain.get(name) ?? []),
    ...file.patterns.filter(({ names }) => matchesAny(name, names)).map(({ entry }) => entry),
    ...file.hashed.filter(({ salt, hash }) => hashOf(name, salt) === hash).map(({ entry }) => entry),
  ].filter(({ type, key }) => keyType(Buffer.from(key, 'base64')) === type)
}
