import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'
import type { HostKey } from '../model/host-keys.ts'
import { gatherKeys } from '../transport/gather-keys.ts'
import { fingerprint } from '../transport/identities.ts'
import { findKnownKeys, judgeHostKey, keyType } from '../transport/known-hosts.ts'
import { writeDownKey } from '../transport/known-hosts-write.ts'
import type { Telling } from './story.ts'

/** An sshd whose keys are looked at: a host of the inventory, or one that is only jumped through. */
export type KeyBearer = {
  readonly name: string
  readonly groups: readonly string[]
  readonly way: SshWay
  readonly jumps: readonly SshWay[]
}

export type ShownKeys =
  | {
      readonly host: string
      readonly status: 'asked'
      readonly bearer: KeyBearer
      readonly keys: readonly HostKey[]
      /** Those that no file knows, as they came over the wire. */
      readonly fresh: readonly Buffer[]
    }
  | { readonly host: string; readonly status: 'unreachable'; readonly fault: Fault }

/** What an sshd shows as its keys, and what the files say of them. Nobody logs in to it. */
export async function keysHost(bearer: KeyBearer, { signal, onStage }: Telling): Promise<ShownKeys> {
  const { name: host, way, jumps } = bearer
  onStage('connecting')
  const gathered = await gatherKeys(way, jumps, signal)
  if ('refused' in gathered) return { host, status: 'unreachable', fault: gathered.refused }
  const known = await findKnownKeys(way.knownHostsFiles, way)
  const fresh: Buffer[] = []
  const keys = gathered.keys.map((key): HostKey => {
    const verdict = judgeHostKey(known, key)
    if (verdict.verdict === 'unknown') fresh.push(key)
    return {
      type: keyType(key),
      fingerprint: fingerprint(key),
      standing: verdict.verdict === 'unknown' ? 'new' : verdict.verdict,
      origin: 'entry' in verdict ? verdict.entry.origin : null,
    }
  })
  return { host, status: 'asked', bearer, keys, fresh }
}

/** Writes the new keys of one down; null where all of them are in the file now, else why not. */
export async function writeKeys({
  bearer: { way },
  fresh,
}: Extract<ShownKeys, { status: 'asked' }>): Promise<string | null> {
  const written = await Promise.all(fresh.map(async (key) => await writeDownKey(way, key)))
  for (const each of written) {
    if (each.verdict === 'unwritten') return `${each.file} ${each.why}`
    if (each.verdict !== 'known') return 'the file knows another key by now'
  }
  return null
}
