import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'

/** What opens a vault. `id`: the name that `--vault-id` gave it, as in `prod@file`; null: none. */
export type VaultPassword = { readonly id: string | null; readonly password: string }

/** The text of a vault, or a clause that says why it stays shut: "is a vault that cannot be opened: …". */
export type OpenedVault = { readonly text: string } | { readonly sealed: string }

/** Whether a text is what `ansible-vault encrypt` writes, and nothing else. */
export function isVault(text: string): boolean {
  return text.startsWith(HEADER)
}

/**
 * Opens what `ansible-vault encrypt` made, a file or one value: formats 1.1 and 1.2, cipher AES256. Passwords of the vault's
 * own id are tried first, then all others, since an id is no part of what is authenticated. Never throws.
 * Format: AES-256 in counter mode over text padded as in PKCS#7, and HMAC-SHA256 over what comes of it, with keys that
 * PBKDF2 derives; `VaultAES256` in Ansible's lib/ansible/parsing/vault.
 */
export function openVault(sealed: string, passwords: readonly VaultPassword[]): OpenedVault {
  const envelope = readEnvelope(sealed)
  if ('sealed' in envelope) return envelope
  if (passwords.length === 0) return { sealed: `no vault password was given${wanted(envelope)}` }
  const own = passwords.filter(({ id }) => id === envelope.id)
  const others = passwords.filter(({ id }) => id !== envelope.id)
  for (const password of [...own, ...others]) {
    const keys = keysOf(password, envelope.salt)
    if (isAuthentic(envelope, keys)) return decrypted(envelope, keys)
  }
  const none = passwords.length === 1 ? 'the vault password does not open it' : 'none of the vault passwords opens it'
  return { sealed: `${none}${wanted(envelope)}` }
}

const HEADER = '$ANSIBLE_VAULT'
const VERSIONS = ['1.1', '1.2']

type Envelope = {
  readonly id: string | null
  readonly salt: Buffer
  readonly digest: Buffer
  readonly ciphertext: Buffer
}

function readEnvelope(text: string): Envelope | { readonly sealed: string } {
  const [first = '', ...lines] = text.trim().split(/\r?\n/)
  const [header, version = '', cipher = '', id] = first.split(';').map((part) => part.trim())
  if (header !== HEADER) return { sealed: `it does not begin with ${HEADER}` }
  if (!VERSIONS.includes(version) || cipher !== 'AES256') {
    return { sealed: `it is of format ${version} with cipher ${cipher}, and ctfleet opens AES256 of 1.1 and 1.2 only` }
  }
  // Three texts in hexadecimal, a line each, and those three lines in hexadecimal once more.
  const parts =
    fromHex(lines.map((line) => line.trim()).join(''))
      ?.toString('latin1')
      .split('\n') ?? []
  const [salt, digest, ciphertext, ...more] = parts.map(fromHex)
  if (salt === undefined || digest === undefined || ciphertext === undefined || more.length > 0)
    return { sealed: 'it is cut off or damaged' }
  return { id: id === undefined || id === '' ? null : id, salt, digest, ciphertext }
}

/** Undefined for what is no hexadecimal, where `Buffer` would stop without a word. */
function fromHex(text: string): Buffer | undefined {
  return /^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : undefined
}

type Keys = { readonly cipher: Buffer; readonly hmac: Buffer; readonly counter: Buffer }

/** As long as the password itself is kept; a key takes milliseconds, and one value may stand for a thousand hosts. */
const derived = new WeakMap<VaultPassword, Map<string, Keys>>()

function keysOf(password: VaultPassword, salt: Buffer): Keys {
  const known = derived.get(password) ?? new Map<string, Keys>()
  derived.set(password, known)
  const name = salt.toString('latin1')
  const found = known.get(name)
  if (found !== undefined) return found
  const all = pbkdf2Sync(password.password, salt, 10_000, 80, 'sha256')
  const keys = { cipher: all.subarray(0, 32), hmac: all.subarray(32, 64), counter: all.subarray(64) }
  known.set(name, keys)
  return keys
}

function isAuthentic({ ciphertext, digest }: Envelope, { hmac }: Keys): boolean {
  const made = createHmac('sha256', hmac).update(ciphertext).digest()
  return made.length === digest.length && timingSafeEqual(made, digest)
}

function decrypted({ ciphertext }: Envelope, { cipher, counter }: Keys): OpenedVault {
  const decipher = createDecipheriv('aes-256-ctr', cipher, counter)
  const padded = Buffer.concat([decipher.update(ciphertext), decipher.final()])
  const padding = padded.at(-1) ?? 0
  if (padding < 1 || padding > 16 || padding > padded.length) return { sealed: 'it is cut off or damaged' }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(padded.subarray(0, -padding)) }
  } catch {
    return { sealed: 'what it holds is no text in UTF-8' }
  }
}

function wanted({ id }: Envelope): string {
  return id === null ? '' : `; it asks for the one called ${id}`
}
