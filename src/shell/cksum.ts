/** What POSIX `cksum` prints first for these bytes: CRC-32 over them and their length. */
export function cksum(bytes: Uint8Array): number {
  let crc = 0
  let at = 0
  // By index, and four at a time: each script that goes over is summed, and an iterator takes ten times as long.
  for (; at + 4 <= bytes.length; at += 4) {
    const word = crc ^ (byteAt(bytes, at) << 24) ^ (byteAt(bytes, at + 1) << 16) ^ (byteAt(bytes, at + 2) << 8)
    crc =
      entry(3, word >>> 24) ^
      entry(2, (word >>> 16) & 0xff) ^
      entry(1, (word >>> 8) & 0xff) ^
      entry(0, (word ^ byteAt(bytes, at + 3)) & 0xff)
  }
  for (; at < bytes.length; at += 1) crc = next(crc, byteAt(bytes, at))
  for (let length = bytes.length; length > 0; length = Math.floor(length / 256)) crc = next(crc, length & 0xff)
  return ~crc >>> 0
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

/** Four tables in one: what a byte comes to that so many others follow. */
const TABLES = new Int32Array(4 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  TABLES[byte] = crc
}
for (let at = 256; at < TABLES.length; at++) TABLES[at] = next(TABLES[at - 256] as number, 0)

function entry(table: 0 | 1 | 2 | 3, byte: number): number {
  return TABLES[table * 256 + byte] as number
}

function next(crc: number, byte: number): number {
  return (crc << 8) ^ entry(0, ((crc >>> 24) ^ byte) & 0xff)
}
