import { keyTypeOf, stringsIn } from './agent.ts'
import { freshFile } from './fresh-file.ts'
import { type ParsedKey, utils } from './ssh2.ts'

/** A private key file as far as it can be used. */
export type Identity =
  | { readonly state: 'usable'; readonly path: string; readonly key: ParsedKey }
  /** With a passphrase: good if that is told, or if the agent holds it. `publicKey` is null where the file doesn't tell it. */
  | {
      readonly state: 'encrypted'
      readonly path: string
      readonly publicKey: Buffer | null
      /** The key, or null where the passphrase is another one; a good one is worked out once (some 0.2 s). */
      readonly unlock: (passphrase: string) => ParsedKey | null
    }
  /** The public half alone: good if the agent holds the other. */
  | { readonly state: 'public'; readonly path: string; readonly publicKey: Buffer }
  /** Only the system's ssh can use it; `why` follows "the key file". */
  | { readonly state: 'foreign'; readonly path: string; readonly why: string }
  | { readonly state: 'unusable'; readonly path: string; readonly why: string; readonly missing: boolean }

/** Reads and parses a private key file, or the `.pub` beside it where there is none; read again only when the file changes. */
export async function readIdentity(path: string): Promise<Identity> {
  const read = await keyFile(path)
  if ('unreadable' in read) {
    const beside = read.missing ? await keyFile(`${path}.pub`) : read
    return 'state' in beside && beside.state === 'public'
      ? { ...beside, path }
      : { state: 'unusable', path, why: read.unreadable, missing: read.missing }
  }
  if (read.state !== 'encrypted' || read.publicKey !== null) return read
  const beside = await keyFile(`${path}.pub`)
  return 'state' in beside && beside.state === 'public' ? { ...read, publicKey: beside.publicKey } : read
}

const keyFile = freshFile(parse)

function parse(bytes: Buffer, path: string): Identity {
  const parsed = parseKey(bytes)
  if (parsed instanceof Error) {
    const publicKey = publicPart(bytes)
    const type = publicKey === null ? '' : keyTypeOf(publicKey)
    if (type.startsWith('sk-')) return { state: 'foreign', path, why: `belongs to a security key (${type})` }
    if (/encrypted/i.test(parsed.message)) return { state: 'encrypted', path, publicKey, unlock: unlocking(bytes) }
    if (/BEGIN (?:ENCRYPTED )?PRIVATE KEY/.test(bytes.toString('latin1')))
      return { state: 'foreign', path, why: 'is in the format PKCS#8' }
    const why = bytes.includes('PRIVATE KEY')
      ? `it holds no key that can be read: ${parsed.message}`
      : 'it is no private key'
    return { state: 'unusable', path, why, missing: false }
  }
  return parsed.isPrivateKey()
    ? { state: 'usable', path, key: parsed }
    : { state: 'public', path, publicKey: parsed.getPublicSSH() }
}

/** @returns an error for what is no key that ssh2 knows, or wants a passphrase that was not given. */
export function parseKey(bytes: Buffer, passphrase?: string): ParsedKey | Error {
  // ssh2 throws where a length in the file lies.
  try {
    const parsed = utils.parseKey(bytes, passphrase) as ParsedKey | readonly ParsedKey[] | Error
    return Array.isArray(parsed) ? (parsed[0] ?? new Error('it holds no key')) : (parsed as ParsedKey | Error)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function unlocking(bytes: Buffer): (passphrase: string) => ParsedKey | null {
  let good: { readonly passphrase: string; readonly key: ParsedKey } | undefined
  return (passphrase) => {
    if (good?.passphrase === passphrase) return good.key
    const key = parseKey(bytes, passphrase)
    if (key instanceof Error || !key.isPrivateKey()) return null
    good = { passphrase, key }
    return key
  }
}

/** OpenSSH's own format keeps the public half in the clear: magic, cipher, kdf, kdf options, number of keys, public key. */
function publicPart(bytes: Buffer): Buffer | null {
  const [, body = ''] = /BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(bytes.toString('latin1')) ?? []
  const blob = Buffer.from(body, 'base64').subarray('openssh-key-v1\0'.length)
  const [cipher, kdf, options] = stringsIn(blob)
  if (cipher === undefined || kdf === undefined || options === undefined) return null
  const before = 12 + cipher.length + kdf.length + options.length
  return stringsIn(blob.subarray(before + 4))[0] ?? null
}
