import type { NotrackPatch } from '../../src/firewall/notrack.ts'
import type { Service } from '../../src/firewall/packet.ts'
import type { Difference } from './matrix.ts'

/**
 * Which differences a patch tells beforehand: by its notes, a client gets an answer in place of silence where errors about
 * untracked packets are let in or out, and a forwarded TCP connection from the service's own port may fail. It tells the latter
 * only of ports that a client may take by chance; those below 1024 it takes on purpose.
 */
export function foretellerOf(
  patch: NotrackPatch & { readonly safe: true },
  { port, forwarded }: Service,
): (difference: Difference) => boolean {
  const errors = patch.notes.some((note) => note.startsWith('ICMP errors of the types that path MTU discovery needs'))
  const letsErrors = errors && patch.edits.some(({ spec }) => /icmp/.test(spec) && /invalid/i.test(spec))
  const told = patch.notes.some((note) => FROM_PORT.exec(note)?.[1] === String(port))
  const fromPort = new RegExp(`^ip6? tcp near from port ${port} -> far:`)
  return ({ cell, was, became }) => {
    if (letsErrors && was === 'no answer' && became === 'refused') return true
    if (!fromPort.test(cell) || was === 'no answer' || became.startsWith('ok')) return false
    return told || (port < 1024 && forwarded === true)
  }
}

const FROM_PORT = / connection (?:for which a client takes port|that keeps source port) (\d+) /
