import { type Stats, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { type Complaint, InputError } from '../input/complaint.ts'
import type { Job } from '../serve/job.ts'

/**
 * The machine's service is root with no other right than to read everything: what somebody else's files allow it is tried
 * here, and not at night.
 * @throws InputError with each path that it could not write, run or see.
 */
export function checkServiceMay({ command, directory, state, writes, isUsers, looksHere }: Job): void {
  if (isUsers || looksHere) return
  const paths = command.filter((word) => isAbsolute(word))
  const complaints = [
    ...[state, ...writes].filter((path) => !mayWrite(path)).map(unwritten),
    ...paths.filter((path) => !mayRun(path)).map(unrun),
    ...[...new Set([directory, state, ...paths])].filter(isTemporary).map(unseen),
  ]
  if (complaints.length > 0) throw new InputError(complaints)
}

function mayWrite(path: string): boolean {
  const found = foundAt(path)
  return found === null || may(found, 0o2)
}

/** A file that nobody can run is to be read. */
function mayRun(path: string): boolean {
  const found = foundAt(path)
  return found === null || !found.isFile() || (found.mode & 0o111) === 0 || may(found, 0o1)
}

/** As root, without the right to pass over modes. */
function may({ uid, gid, mode }: Stats, bit: number): boolean {
  return (mode & (bit << (uid === 0 ? 6 : gid === 0 ? 3 : 0))) !== 0
}

function foundAt(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null
}

function isTemporary(path: string): boolean {
  return /^\/(?:var\/)?tmp(?:\/|$)/.test(path)
}

const OWN = '--own, for a schedule of its owner, typed by its owner'
const PLACE = { line: null, column: null, path: '' }

function unwritten(path: string): Complaint {
  const message =
    "the machine's service may not write there: it is another user's, and the service passes over no modes"
  return { ...PLACE, file: path, message, hint: `a directory of root's; or ${OWN}` }
}

function unrun(path: string): Complaint {
  const message = "the machine's service may not run it: it is for its owner alone"
  return { ...PLACE, file: path, message, hint: `chmod o+x, where all may run it; or ${OWN}` }
}

function unseen(path: string): Complaint {
  return {
    ...PLACE,
    file: path,
    message: 'the service has a /tmp of its own, and sees nothing of this one',
    hint: 'move it',
  }
}
