/** What the system had against a file that was named, as a clause for a person: `it is a directory`. */
export function plainReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? error.message : String(error)
  // Node's own sentence names the call and the path besides.
  return REASONS[code] ?? /^E[A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message
}

const REASONS: Readonly<Record<string, string>> = {
  EISDIR: 'it is a directory',
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of this path is a file, not a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it is on a read-only file system',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EBADF: 'nothing is open under this number',
  ENXIO: 'it is a socket, or a pipe with nobody at its other end',
  EIO: 'the device gives an error',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links lead in a circle',
}
