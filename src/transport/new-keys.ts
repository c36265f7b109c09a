import type { SshWay } from '../model/host.ts'
import { fingerprint } from './identities.ts'
import { judgeHostKey, type KeyVerdict, type KnownKeys, keyType, knownName } from './known-hosts.ts'
import { writeDownKey } from './known-hosts-write.ts'
import { notes } from './notes.ts'

/** From now on new keys of all hosts are taken: what is typed holds for plans and records too, which do not keep it. */
export function takeNewKeys(): void {
  ofAll = true
}

let ofAll = false

export function takesNewKeys({ acceptNewKeys }: Pick<SshWay, 'acceptNewKeys'>): boolean {
  return ofAll || acceptNewKeys === true
}

/**
 * What the files say of a host's key; where they know none at all, and new ones are to be taken, it is written down, told,
 * and known from now on. One of another kind beside a known one is not taken: whoever stands in between could show it.
 */
export async function judgeOrTake(
  way: SshWay & { readonly name?: string },
  known: KnownKeys,
  key: Buffer,
): Promise<KeyVerdict> {
  const verdict = judgeHostKey(known, key)
  const isNew = verdict.verdict === 'unknown' && verdict.entries.length === 0
  if (!isNew || !takesNewKeys(way)) return verdict
  const written = await writeDownKey(way, key)
  if (written.verdict !== 'known' && written.verdict !== 'unwritten') return written
  const place = `${keyType(key)} ${knownName(way)}`
  if (written.verdict === 'unwritten') {
    // It holds for as long as this process runs, or each connection of a run could meet another machine.
    const before = remembered.get(place)
    if (before !== undefined && !before.equals(key)) {
      const entry = { mark: 'trusted', type: keyType(key), key: before.toString('base64'), origin: EARLIER } as const
      return { verdict: 'changed', entry }
    }
    remembered.set(place, key)
  }
  const kept =
    written.verdict === 'known'
      ? `written to ${way.knownHostsFiles[0]}`
      : `for this run alone, since ${written.file} ${written.why}`
  const told = `took its new host key ${keyType(key)} ${fingerprint(key)} (${knownName(way)}), ${kept}`
  notes.add(way.name ?? way.address, told)
  return { verdict: 'known' }
}

const EARLIER = 'an earlier connection of this run:1'
const remembered = new Map<string, Buffer>()
