import { createHash } from 'node:crypto'
import { env } from 'node:process'
import type { Host } from '../model/host.ts'
import { freshFile } from './fresh-file.ts'
import type { PathComplaint } from './known-hosts.ts'
import { type AnyAuthMethod, BaseAgent, createAgent, type ParsedKey, utils } from './ssh2.ts'

const DEFAULT_IDENTITIES: readonly string[] = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa']

/** A private key file as far as it can be used. */
export type Identity =
  | { readonly state: 'usable'; readonly path: string; readonly key: ParsedKey }
  /** With a passphrase: good if the agent holds it. `publicKey` is null where the file doesn't tell it. */
  | { readonly state: 'encrypted'; readonly path: string; readonly publicKey: Buffer | null }
  | { readonly state: 'unusable'; readonly path: string; readonly why: string; readonly missing: boolean }

/** One way to log in, and its name in complaints. */
export type Offer = { readonly name: string; readonly method: AnyAuthMethod }

/** Reads and parses a private key file; read again only when the file changes. */
export async function readIdentity(path: string): Promise<Identity> {
  const read = await identityFile(path)
  return 'unreadable' in read ? { state: 'unusable', path, why: read.unreadable, missing: read.missing } : read
}

/** Complaints about the key files that hosts name, to be had before any connection. One for each path. */
export async function checkIdentities(
  hosts: readonly Pick<Host, 'identityFiles'>[],
): Promise<readonly PathComplaint[]> {
  const paths = [...new Set(hosts.flatMap(({ identityFiles }) => identityFiles))]
  const identities = await Promise.all(paths.map(readIdentity))
  const held = identities.some(({ state }) => state === 'encrypted') ? await agentKeys() : []
  return identities.flatMap((identity) => complaintAbout(identity, held) ?? [])
}

/** What to offer a host, in order: its key files (or the usual ones), then the other keys of the agent. */
export async function offersFor({ user: username, identityFiles }: Host): Promise<readonly Offer[]> {
  const paths = identityFiles.length > 0 ? identityFiles : DEFAULT_IDENTITIES
  const identities = await Promise.all(paths.map(readIdentity))
  const offers: Offer[] = []
  const asked: Buffer[] = []
  for (const identity of identities) {
    if (identity.state === 'usable') {
      const blob = identity.key.getPublicSSH()
      asked.push(blob)
      const name = `${identity.path} (${fingerprint(blob)})`
      offers.push({ name, method: { type: 'publickey', username, key: identity.key } })
    } else if (identity.state === 'encrypted' && identity.publicKey !== null && env.SSH_AUTH_SOCK) {
      const blob = identity.publicKey
      asked.push(blob)
      const agent = new ChosenKeys(createAgent(env.SSH_AUTH_SOCK), (key) => key.equals(blob))
      offers.push({ name: `${identity.path} by way of the agent`, method: { type: 'agent', username, agent } })
    }
  }
  if (env.SSH_AUTH_SOCK) {
    const agent = new ChosenKeys(createAgent(env.SSH_AUTH_SOCK), (key) => !asked.some((blob) => blob.equals(key)))
    offers.push({ name: "the agent's other keys", method: { type: 'agent', username, agent } })
  }
  return offers
}

/** As ssh-keygen -l has it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

const identityFile = freshFile(parse)

function parse(bytes: Buffer, path: string): Identity {
  // ssh2 throws where a length in the file lies.
  let parsed: ParsedKey | Error
  try {
    parsed = utils.parseKey(bytes) as ParsedKey | Error
  } catch (error) {
    parsed = error instanceof Error ? error : new Error(String(error))
  }
  if (parsed instanceof Error) {
    if (/encrypted/i.test(parsed.message)) return { state: 'encrypted', path, publicKey: publicPart(bytes) }
    const why = bytes.includes('PRIVATE KEY')
      ? `it holds no key that can be read: ${parsed.message}`
      : 'it is no private key'
    return { state: 'unusable', path, why, missing: false }
  }
  const key = Array.isArray(parsed) ? (parsed[0] as ParsedKey) : parsed
  if (key.isPrivateKey()) return { state: 'usable', path, key }
  return { state: 'unusable', path, why: 'it holds a public key; the private one is wanted', missing: false }
}

/** OpenSSH's own format keeps the public half in the clear: magic, cipher, kdf, kdf options, number of keys, public key. */
function publicPart(bytes: Buffer): Buffer | null {
  const [, body = ''] = /BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(bytes.toString('latin1')) ?? []
  const blob = Buffer.from(body, 'base64')
  let at = 'openssh-key-v1\0'.length
  const field = () => {
    if (at + 4 > blob.length) return null
    const from = at + 4
    at = from + blob.readUInt32BE(at)
    return at > blob.length ? null : blob.subarray(from, at)
  }
  for (let skipped = 0; skipped < 3; skipped++) field()
  at += 4
  return field()
}

function complaintAbout(identity: Identity, held: readonly Buffer[]): PathComplaint | undefined {
  switch (identity.state) {
    case 'usable':
      return undefined
    case 'unusable':
      return {
        path: identity.path,
        message: `the key file cannot be used: ${identity.why}`,
        hint: 'Name a private key file in OpenSSH or PEM format (see it with: ssh-keygen -lf FILE)',
      }
    case 'encrypted':
      if (identity.publicKey !== null && held.some((key) => identity.publicKey?.equals(key))) return undefined
      return {
        path: identity.path,
        message: 'the key file is encrypted, and the agent does not hold its key; passphrases cannot be given here',
        hint: `ssh-add ${identity.path}`,
      }
  }
}

/** Public keys that the agent holds; none where there is no agent to ask. */
async function agentKeys(): Promise<readonly Buffer[]> {
  const socket = env.SSH_AUTH_SOCK
  if (!socket) return []
  const timer = new Promise<readonly Buffer[]>((resolve) => setTimeout(() => resolve([]), AGENT_PATIENCE).unref())
  const asked = new Promise<readonly Buffer[]>((resolve) => {
    createAgent(socket).getIdentities((_error, keys) => resolve((keys ?? []).flatMap((key) => blobOf(key) ?? [])))
  })
  return await Promise.race([asked, timer])
}

const AGENT_PATIENCE = 5000

/** An agent of which only some keys are shown to the host: servers count each try. */
class ChosenKeys extends BaseAgent {
  readonly #agent: BaseAgent
  readonly #chosen: (blob: Buffer) => boolean

  constructor(agent: BaseAgent, chosen: (blob: Buffer) => boolean) {
    super()
    this.#agent = agent
    this.#chosen = chosen
  }

  override getIdentities(callback: Parameters<BaseAgent['getIdentities']>[0]): void {
    this.#agent.getIdentities((error, keys) => {
      if (error) return callback(error)
      callback(
        null,
        (keys ?? []).filter((key) => this.#chosen(blobOf(key) ?? Buffer.alloc(0))),
      )
    })
  }

  override sign(...args: unknown[]): void {
    const sign = this.#agent.sign.bind(this.#agent) as (...args: unknown[]) => void
    sign(...args)
  }
}

function blobOf(key: unknown): Buffer | undefined {
  const parsed = utils.parseKey(key as Buffer)
  return parsed instanceof Error ? undefined : parsed.getPublicSSH()
}
