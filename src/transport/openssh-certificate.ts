import { stringsIn } from './agent.ts'
import { fingerprint } from './identities.ts'
import { u32 } from './openssh-wire.ts'
import { matchesPattern } from './ssh-config-patterns.ts'

/**
 * A host certificate as far as it is judged here, from the key blob that a server shows.
 * https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.certkeys
 */
export type HostCertificate = {
  /** The bare key in it, as a key blob. */
  readonly key: Buffer
  /** The key that signed it. */
  readonly authority: Buffer
  /** Names that it is for; none: any. */
  readonly principals: readonly string[]
  /** Seconds since 1970. */
  readonly after: bigint
  readonly before: bigint
}

/** How many strings the bare key has, behind its type. */
const FIELDS: Readonly<Record<string, number>> = { ssh: 1, ecdsa: 2, rsa: 2, dss: 4 }
const NUMBERS = { serial: 8, type: 4, time: 8 }

/** Null where the blob is no certificate that can be read. */
export function readCertificate(blob: Buffer): HostCertificate | null {
  try {
    let at = 0
    const take = (length: number) => {
      if (at + length > blob.length) throw new RangeError('it ends too early')
      at += length
      return blob.subarray(at - length, at)
    }
    const field = () => take(take(4).readUInt32BE())
    const [, bare = '', kind = ''] =
      /^((ssh|ecdsa|rsa|sk)-.*)-cert-v01@openssh\.com$/.exec(field().toString('latin1')) ?? []
    field()
    const family = /^ssh-(?:rsa|dss)$/.test(bare) ? bare.slice(4) : kind
    const fields = Array.from({ length: FIELDS[family] ?? 0 }, () => field())
    if (fields.length === 0) return null
    take(NUMBERS.serial + NUMBERS.type)
    field()
    const principals = stringsIn(field()).map((name) => name.toString('utf8'))
    const [after, before] = [take(NUMBERS.time).readBigUInt64BE(), take(NUMBERS.time).readBigUInt64BE()]
    for (let skipped = 0; skipped < 3; skipped++) field()
    const parts = [Buffer.from(bare), ...fields].flatMap((part) => [u32(part.length), part])
    return { key: Buffer.concat(parts), authority: field(), principals, after, before }
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/**
 * Why a certificate does not vouch for a host of this name, in words that end a sentence; null where it does.
 * @param authorities those that known_hosts files trust for the host
 */
export function whyNotVouchedFor(
  { authority, principals, after, before }: HostCertificate,
  { name, authorities, now }: { readonly name: string; readonly authorities: readonly Buffer[]; readonly now: number },
): string | null {
  if (!authorities.some((each) => each.equals(authority)))
    return `its authority ${fingerprint(authority)} is trusted by no known_hosts file for it`
  const seconds = BigInt(Math.floor(now / 1000))
  if (seconds < after || seconds >= before) return 'it is not valid now, by the clock of this machine'
  if (principals.length > 0 && !principals.some((each) => matchesPattern(name.toLowerCase(), each.toLowerCase())))
    return `it is for ${principals.slice(0, 5).join(', ')}`
  return null
}
