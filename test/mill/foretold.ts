import type { NotrackPatch } from '../../src/firewall/notrack.ts'
import type { Difference } from './matrix.ts'
import type { Case } from './mill.ts'

/**
 * Which differences a patch tells beforehand. By its notes, a client gets an answer in place of silence where errors about
 * untracked packets are let in or out, and a TCP connection to another host from the service's own port may fail, be it
 * forwarded past that service or translated. It tells the latter only of ports that a client may take by chance; those below
 * 1024 it takes on purpose.
 */
export function foretellerOf(
  patch: NotrackPatch & { readonly safe: true },
  { service: { port, forwarded }, rules }: Pick<Case, 'service' | 'rules'>,
): (difference: Difference) => boolean {
  const errors = patch.notes.some((note) => note.startsWith('ICMP errors of the types that path MTU discovery needs'))
  const letsErrors = errors && patch.edits.some(({ spec }) => /icmp/.test(spec) && /invalid/i.test(spec))
  const told = port < 1024 || patch.notes.some((note) => FROM_PORT.exec(note)?.[1] === String(port))
  const translates = rules.some(({ text }) => /masquerade|snat/i.test(text))
  const mayFail = [...(forwarded ? ['far'] : []), ...(translates ? ['far', 'host'] : [])]
  return ({ cell, was, became }) => {
    if (letsErrors && was === 'no answer' && became === 'refused') return true
    const [, from, side, to] = /^ip6? tcp near from port (\d+) -> (far|host):(\d+)/.exec(cell) ?? []
    if (from !== String(port) || to === from || was === 'no answer' || became.startsWith('ok')) return false
    return told && mayFail.some((each) => each === side)
  }
}

const FROM_PORT = / connection (?:for which a client takes port|that keeps source port) (\d+) /
