import type { SshWay } from '../model/host.ts'
import { offersFor } from './identities.ts'
import { typedBehind } from './jump-words.ts'
import { knock } from './knock.ts'
import { DEFAULT_KNOWN_HOSTS, findKnownKeys } from './known-hosts.ts'
import { type Connection, login, type NotLoggedIn } from './login.ts'
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

/** Reaches an sshd and logs in, and knocks again where it had no time for us. */
export async function enter(way: SshWay, entrance: Entrance): Promise<Connection | NotOpened> {
  const { jumps, reach, signal } = entrance
  const files = way.knownHostsFiles.length > 0 ? way.knownHostsFiles : DEFAULT_KNOWN_HOSTS
  const [offers, known] = await Promise.all([offersFor(way), findKnownKeys(files, way)])
  const entered = await knock(async (patience): Promise<Connection | NotLoggedIn> => {
    const reached = await reach(signal)
    if ('refused' in reached) return reached
    const tried = await login(way, { ...reached, credentials: { offers, known }, patience, signal })
    if ('client' in tried) return tried
    return { ...tried, refused: typedBehind(jumps, tried.refused, way) }
  }, entrance)
  if ('client' in entered) return entered
  const { early: _, silent: __, ...notOpened } = entered
  return notOpened
}

/** Reached from here, with nothing in between. */
export async function dialled(way: SshWay, patience: Patience, signal: AbortSignal): Promise<Reached> {
  const reached = await dial(way, patience, signal)
  return 'refused' in reached ? { ...reached, early: reached.refused.code === 'lost' } : reached
}
