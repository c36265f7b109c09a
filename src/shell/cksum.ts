/** What POSIX `cksum` prints first for these bytes: CRC-32 over them and their length. */
export function cksum(bytes: Uint8Array): number {
  let crc = 0
  // By index: an iterator takes ten times as long, and each script that goes over is summed.
  for (let at = 0; at < bytes.length; at += 1) crc = next(crc, bytes[at] as number)
  for (let length = bytes.length; length > 0; length = Math.floor(length / 256)) crc = next(crc, length & 0xff)
  return ~crc >>> 0
}

const TABLE = Int32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc
})

function next(crc: number, byte: number): number {
  return (crc << 8) ^ (TABLE[((crc >>> 24) ^ byte) & 0xff] as number)
}
