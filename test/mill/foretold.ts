import type { NotrackPatch } from '../../src/firewall/notrack.ts'
import type { Difference } from './matrix.ts'

/**
 * Which differences a patch tells beforehand, by its own notes: a client gets an answer in place of silence where errors about
 * untracked packets are let in or out, and a forwarded TCP connection from the service's own port may fail.
 */
export function foretellerOf(patch: NotrackPatch & { readonly safe: true }): (difference: Difference) => boolean {
  const errors = patch.notes.some((note) => note.startsWith('ICMP errors of the types that path MTU discovery needs'))
  const letsErrors = errors && patch.edits.some(({ spec }) => /icmp/.test(spec) && /invalid/i.test(spec))
  const ports = patch.notes.flatMap((note) => / for which a client takes port (\d+) /.exec(note)?.[1] ?? [])
  return ({ cell, was, became }) => {
    if (letsErrors && was === 'no answer' && became === 'refused') return true
    const [, port = ''] = /^ip6? tcp near from port (\d+) -> far:/.exec(cell) ?? []
    return ports.includes(port) && was !== 'no answer' && !became.startsWith('ok')
  }
}
