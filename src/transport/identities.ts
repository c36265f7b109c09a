import { createHash } from 'node:crypto'
import { access } from 'node:fs/promises'
import type { SshWay } from '../model/host.ts'
import { quote } from '../shell/script.ts'
import { type AgentKey, agentKeys, agentSocket, HeldKey } from './agent.ts'
import { homePath, nowAndThen } from './fresh-file.ts'
import { type Identity, parseKey, readIdentity } from './key-file.ts'
import { keyring } from './keyring.ts'
import type { PathComplaint } from './known-hosts.ts'
import type { AnyAuthMethod, ParsedKey } from './ssh2.ts'

export const DEFAULT_IDENTITIES: readonly string[] = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa']

/** One key to log in with, and its name in complaints; or why one is not offered, in words that follow its name. */
export type Offer =
  | { readonly name: string; readonly method: AnyAuthMethod; readonly held?: HeldKey }
  | { readonly name: string; readonly cannot: string; readonly next: string }

/** What our keys are looked for by. */
export type KeyPlaces = Pick<SshWay, 'identityFiles' | 'identityAgent' | 'identitiesOnly'>

/** A key file that wants a passphrase which nobody has told yet, and whose key the agent does not hold. */
export type LockedKey = Extract<Identity, { readonly state: 'encrypted' }>

/** Complaints about the key files that ways name, to be had before any connection. One for each path. */
export async function checkIdentities(
  ways: readonly KeyPlaces[],
  { canAsk }: { readonly canAsk: boolean },
): Promise<readonly PathComplaint[]> {
  const named = distinct(ways.filter(({ identityFiles }) => identityFiles.length > 0))
  const found = await Promise.all(named.map(async (way) => await namedIn(way)))
  const complaints = new Map<string, PathComplaint>()
  for (const { identities, held } of found) {
    for (const identity of identities) {
      const complaint = complaintAbout(identity, held, canAsk)
      if (complaint !== undefined) complaints.set(identity.path, complaint)
    }
  }
  return [...complaints.values()]
}

/**
 * Key files whose passphrase has to be asked for: those that ways name, and of the usual ones those of a way that has
 * nothing else to log in with.
 */
export async function lockedIdentities(
  ways: readonly (KeyPlaces & { readonly name?: string })[],
): Promise<readonly LockedKey[]> {
  const locked = new Map<string, LockedKey>()
  for (const way of distinct(ways)) {
    const isNamed = way.identityFiles.length > 0
    const { identities, held } = await namedIn(way)
    if (!isNamed && (held.length > 0 || keyring.loginPassword({ name: way.name ?? '' }) !== undefined)) continue
    if (!isNamed && identities.some(({ state }) => state === 'usable')) continue
    for (const identity of identities)
      if (identity.state === 'encrypted' && isLocked(identity, held)) locked.set(identity.path, identity)
  }
  return [...locked.values()]
}

/** What to offer a host, in order: its key files (or the usual ones), then the other keys of the agent. */
export async function offersFor(way: SshWay): Promise<readonly Offer[]> {
  const { user: username } = way
  const socket = agentSocket(way)
  const { identities, held } = await namedIn(way, readLately)
  const offers: Offer[] = []
  const offered: Buffer[] = []
  const offerFile = (path: string, key: ParsedKey) => {
    const blob = key.getPublicSSH()
    if (offered.some((each) => each.equals(blob))) return
    offered.push(blob)
    offers.push({ name: `${path} (${fingerprint(blob)})`, method: { type: 'publickey', username, key } })
  }
  const offerHeld = (name: string, { blob }: AgentKey) => {
    const key = parseKey(blob)
    if (key instanceof Error || socket === null || offered.some((each) => each.equals(blob))) return
    offered.push(blob)
    const agent = new HeldKey(socket, key)
    offers.push({ name, method: { type: 'agent', username, agent }, held: agent })
  }
  for (const identity of identities) {
    const { path } = identity
    if (identity.state === 'usable') offerFile(path, identity.key)
    if (identity.state !== 'encrypted' && identity.state !== 'public') continue
    const inAgent = held.find(({ blob }) => identity.publicKey?.equals(blob))
    const unlocked = identity.state === 'encrypted' && inAgent === undefined ? unlockedKey(identity) : null
    if (inAgent !== undefined) offerHeld(`${path} by way of the agent`, inAgent)
    else if (unlocked !== null) offerFile(path, unlocked)
    else if (identity.state === 'encrypted') {
      const cannot = 'which is encrypted, and whose key the agent does not hold'
      offers.push({ name: path, cannot, next: `ssh-add ${quotedPath(path)}` })
    }
  }
  if (way.identitiesOnly !== true)
    for (const key of held) offerHeld(`the agent's ${key.type} (${fingerprint(key.blob)})`, key)
  return offers
}

/** Why only the system's ssh can show what this way logs in with, in words that end a sentence; null where ssh2 can. */
export async function needsOpenssh(way: SshWay): Promise<string | null> {
  const [certificate] = way.certificateFiles ?? []
  if (certificate !== undefined) return `the certificate ${certificate} is shown by the system's ssh alone`
  const provider = way.opensshOptions?.find((option) =>
    /^(?:PKCS11Provider|SecurityKeyProvider)=(?!none)/i.test(option),
  )
  if (provider !== undefined) return `${provider} is for the system's ssh`
  const { identities, held } = await namedIn(way, readLately)
  for (const { path } of identities) {
    const beside = `${path.replace(/\.pub$/, '')}-cert.pub`
    if (await isThereLately(beside)) return `the certificate ${beside} is shown by the system's ssh alone`
  }
  const isNamed = way.identityFiles.length > 0
  const hasOwn = identities.some((identity) => identity.state === 'usable' || identity.state === 'encrypted')
  for (const identity of identities) {
    if (identity.state === 'foreign' && (isNamed || !hasOwn))
      return `the key file ${identity.path} ${identity.why}, which the system's ssh alone can use`
  }
  if (hasOwn || way.identitiesOnly === true) return null
  const usable = held.some(({ type }) => !isForeign(type))
  const foreign = held.find(({ type }) => isForeign(type))
  return usable || foreign === undefined
    ? null
    : `the agent holds ${foreign.type} keys, which the system's ssh alone can use`
}

/** As ssh-keygen -l has it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** Of ways with the same keys the first: thousands of hosts are the rule. */
function distinct<T extends KeyPlaces & { readonly name?: string }>(ways: readonly T[]): readonly T[] {
  const keyOf = (way: T) =>
    JSON.stringify([
      way.identityFiles,
      way.identityAgent ?? null,
      way.identityFiles.length === 0 && keyring.loginPassword({ name: way.name ?? '' }) !== undefined,
    ])
  return [...new Map(ways.toReversed().map((way) => [keyOf(way), way])).values()].toReversed()
}

// Each host asks twice, at its opening; whoever mends a key file in between waits a second.
const readLately = nowAndThen(readIdentity)
const isThereLately = nowAndThen(
  async (path) =>
    await access(homePath(path)).then(
      () => true,
      () => false,
    ),
)

/** The key files of a way, or the usual ones, and what its agent holds. */
async function namedIn(way: KeyPlaces, read = readIdentity) {
  const [first] = way.identityFiles
  const paths = first === undefined ? DEFAULT_IDENTITIES : way.identityFiles.filter((path) => path !== 'none')
  const [identities, held] = await Promise.all([
    Promise.all([...new Set(paths)].map(read)),
    agentKeys(agentSocket(way)),
  ])
  return { identities, held }
}

function isLocked(identity: LockedKey, held: readonly AgentKey[]): boolean {
  if (held.some(({ blob }) => identity.publicKey?.equals(blob))) return false
  return unlockedKey(identity) === null
}

function unlockedKey({ path, unlock }: LockedKey): ParsedKey | null {
  const passphrase = keyring.passphrase(path)
  return passphrase === undefined ? null : unlock(passphrase)
}

function isForeign(type: string): boolean {
  return type.startsWith('sk-') || type.includes('-cert-v')
}

function complaintAbout(identity: Identity, held: readonly AgentKey[], canAsk: boolean): PathComplaint | undefined {
  const { path } = identity
  switch (identity.state) {
    case 'usable':
    case 'foreign':
      return undefined
    case 'unusable':
      return {
        path,
        message: `the key file cannot be used: ${identity.why}`,
        hint: identity.missing
          ? 'Name the file that there is, or none for the keys of the agent and the usual files'
          : 'Name a private key file in OpenSSH or PEM format (see it with: ssh-keygen -lf FILE)',
      }
    case 'public':
      if (held.some(({ blob }) => identity.publicKey.equals(blob))) return undefined
      return {
        path,
        message: 'the key file cannot be used: it holds a public key, and the agent does not hold the private one',
        hint: 'Name a private key file, or give that one to the agent (what it holds: ssh-add -l)',
      }
    case 'encrypted':
      if (canAsk || !isLocked(identity, held)) return undefined
      return {
        path,
        message: 'the key file is encrypted, and the agent does not hold its key',
        hint: `ssh-add ${quotedPath(path)}, or --passphrase-from SOURCE, or run this in a terminal to be asked`,
      }
  }
}

/** A shell still finds what is written with a tilde. */
function quotedPath(path: string): string {
  return path.startsWith('~/') ? `~/${quote(path.slice(2))}` : quote(path)
}
