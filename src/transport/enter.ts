import type { SshWay } from '../model/host.ts'
import { pause } from './cancel.ts'
import { offersFor } from './identities.ts'
import { typedBehind } from './jump-words.ts'
import { DEFAULT_KNOWN_HOSTS, findKnownKeys } from './known-hosts.ts'
import { type Connection, login } from './login.ts'
import { dial, type Patience, type Wire } from './tcp.ts'
import type { NotOpened } from './transport.ts'

/** What SSH is to run over. `early`: the other side hung up at once, as an sshd does that is asked by too many at a time. */
export type Reached = { readonly socket: Wire } | (NotOpened & { readonly early: boolean })

export type Entrance = {
  /** The hosts in between, for what is to be typed. */
  readonly jumps: readonly SshWay[]
  readonly reach: (signal: AbortSignal) => Promise<Reached>
  readonly patience: Patience
  readonly signal: AbortSignal
}

/** How often an sshd is asked that hangs up before it greets, as it does when too many ask at a time (MaxStartups). */
const KNOCKS = 4
/** How often a host that says nothing is asked again, each time for a part of its patience: what stands before it may have taken our call while a full table drops us behind. */
const SILENT_TRIES = 2
const SILENT_PART = 0.4

/** Reaches an sshd and logs in, and knocks again, at no two machines' same moments, where it had no time for us. */
export async function enter(
  way: SshWay,
  { jumps, reach, patience, signal }: Entrance,
): Promise<Connection | NotOpened> {
  const files = way.knownHostsFiles.length > 0 ? way.knownHostsFiles : DEFAULT_KNOWN_HOSTS
  const [offers, known] = await Promise.all([offersFor(way), findKnownKeys(files, way)])
  for (let knocks = 1, silences = 0; ; knocks++) {
    const waits = silences < SILENT_TRIES ? { ...patience, handshake: patience.handshake * SILENT_PART } : patience
    const reached = await reach(signal)
    const entered =
      'refused' in reached
        ? reached
        : await login(way, { ...reached, credentials: { offers, known }, patience: waits, signal })
    if ('client' in entered) return entered
    const isSilence = 'socket' in reached && entered.refused.code === 'handshake-timed-out'
    if (isSilence && silences < SILENT_TRIES && !signal.aborted) {
      silences++
      continue
    }
    if (!entered.early || knocks >= KNOCKS || signal.aborted) {
      const { early: _, ...notOpened } = entered
      return 'refused' in reached ? notOpened : { ...notOpened, refused: typedBehind(jumps, notOpened.refused) }
    }
    await pause(patience.betweenKnocks * (knocks - 0.5 + Math.random()), signal)
  }
}

/** Reached from here, with nothing in between. */
export async function dialled(way: SshWay, patience: Patience, signal: AbortSignal): Promise<Reached> {
  const reached = await dial(way, patience, signal)
  return 'refused' in reached ? { ...reached, early: reached.refused.code === 'lost' } : reached
}
