/** Bytes of the SSH connection protocol (RFC 4254): big-endian numbers of 32 bits, and texts with their length before them. */

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4)
  return bytes
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u32(bytes.length), bytes])
}

export function flag(value: boolean): Buffer {
  return Buffer.from([value ? 1 : 0])
}

/** A message with its length before it, as it goes out. */
export function framed(message: Buffer): Buffer {
  return Buffer.concat([u32(message.length), message])
}

/** Reads one value after the other; what is not there any more reads as nothing. */
export type Reader = {
  byte(): number
  u32(): number
  /** A text's bytes. */
  bytes(): Buffer
  text(): string
}

export function readerOf(message: Buffer): Reader {
  let at = 0
  const take = (length: number) => {
    const taken = message.subarray(at, at + length)
    at += length
    return taken
  }
  const number = () => {
    const taken = take(4)
    return taken.length === 4 ? taken.readUInt32BE(0) : 0
  }
  const bytes = () => take(number())
  return { byte: () => take(1)[0] ?? 0, u32: number, bytes, text: () => bytes().toString('utf8') }
}

/** A message longer than this is none; OpenSSH's own limit for a packet, in bytes. */
const LONGEST_FRAME = 256 * 1024

/** Parts a stream into messages, each behind its length. @returns false where what comes is no such stream. */
export function splitFrames(onFrame: (frame: Buffer) => void): (chunk: Buffer) => boolean {
  let pending: Buffer = Buffer.alloc(0)
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= 4) {
      const length = pending.readUInt32BE(0)
      if (length > LONGEST_FRAME) return false
      if (pending.length < 4 + length) break
      const frame = pending.subarray(4, 4 + length)
      pending = pending.subarray(4 + length)
      onFrame(frame)
    }
    return true
  }
}
