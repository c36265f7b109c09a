import { createHmac } from 'node:crypto'
import { freshFile } from './fresh-file.ts'

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

/** Where a host is, as known_hosts files name it. */
export type HostAddress = { readonly address: string; readonly port: number }

/** What the files say about a key that a host showed. */
export type KeyVerdict =
  | { readonly verdict: 'known' }
  | { readonly verdict: 'revoked'; readonly entry: KnownKey }
  /** The files have other keys of the same type for this host. */
  | { readonly verdict: 'changed'; readonly entry: KnownKey }
  /** `entries`: keys of other types, and certificate authorities, which are not supported. */
  | { readonly verdict: 'unknown'; readonly entries: readonly KnownKey[] }

export type PathComplaint = { readonly path: string; readonly message: string; readonly hint: string }

export const DEFAULT_KNOWN_HOSTS: readonly string[] = ['~/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts']

/** Everything that known_hosts files say about one host. Files that are missing or unreadable say nothing. */
export async function findKnownKeys(files: readonly string[], { address, port }: HostAddress): Promise<KnownKeys> {
  const read = await Promise.all(files.map((file) => knownHostsFile(file)))
  const known = read.flatMap((file) => ('unreadable' in file ? [] : [file]))
  const bare = address.toLowerCase()
  const named = (name: string) => known.flatMap((file) => keysFor(file, name))
  return port === 22 ? { own: named(bare), ofAddress: [] } : { own: named(`[${bare}]:${port}`), ofAddress: named(bare) }
}

/** @param key the host key as it came over the wire. */
export function judgeHostKey({ own, ofAddress }: KnownKeys, key: Buffer): KeyVerdict {
  const same = [...own, ...ofAddress].filter((entry) => Buffer.from(entry.key, 'base64').equals(key))
  const revoked = same.find(({ mark }) => mark === 'revoked')
  if (revoked !== undefined) return { verdict: 'revoked', entry: revoked }
  if (same.some(({ mark }) => mark === 'trusted')) return { verdict: 'known' }
  const type = keyType(key)
  const entry = own.find((each) => each.mark === 'trusted' && each.type === type)
  if (entry !== undefined) return { verdict: 'changed', entry }
  return { verdict: 'unknown', entries: own.filter(({ mark }) => mark !== 'revoked') }
}

/** Complaints about files that a person named; the usual ones may be missing. */
export async function checkKnownHosts(files: readonly string[]): Promise<readonly PathComplaint[]> {
  const read = await Promise.all([...new Set(files)].map(async (path) => ({ path, file: await knownHostsFile(path) })))
  return read.flatMap(({ path, file }) =>
    'unreadable' in file
      ? {
          path,
          message: `the known_hosts file cannot be used: ${file.unreadable}`,
          hint: 'Name a file of known host keys that this user can read, or leave it out for ~/.ssh/known_hosts',
        }
      : [],
  )
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
    if (salt !== undefined && hash !== undefined) hashed.push({ salt: Buffer.from(salt, 'base64'), hash, entry })
    else if (/[*?!]/.test(names)) patterns.push({ names: each, entry })
    else for (const name of each) plain.set(name, [...(plain.get(name) ?? []), entry])
  }
  return { plain, patterns, hashed }
}

function keysFor(file: KnownHostsFile, name: string): readonly KnownKey[] {
  return [
    ...(file.plain.get(name) ?? []),
    ...file.patterns.filter(({ names }) => matches(names, name)).map(({ entry }) => entry),
    ...file.hashed
      .filter(({ salt, hash }) => createHmac('sha1', salt).update(name).digest('base64') === hash)
      .map(({ entry }) => entry),
  ]
}

/** One name that is ruled out rules the line out. */
function matches(names: readonly string[], name: string): boolean {
  const hits = names.filter((each) => glob(each.replace(/^!/, ''), name))
  return hits.length > 0 && !hits.some((each) => each.startsWith('!'))
}

/** Only `*` and `?` mean something. Walks back to the last star alone, so no pattern takes more than length times length. */
function glob(pattern: string, name: string): boolean {
  let [at, star, from] = [0, -1, 0]
  for (let index = 0; index < name.length; ) {
    if (pattern[at] === '*') [star, from, at] = [at, index, at + 1]
    else if (pattern[at] === '?' || pattern[at] === name[index]) [at, index] = [at + 1, index + 1]
    else if (star === -1) return false
    else [at, from, index] = [star + 1, from + 1, from + 1]
  }
  return /^\**$/.test(pattern.slice(at))
}
