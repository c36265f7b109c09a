import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'
import { cancelled } from './cancel.ts'
import { dialled, type Reached } from './enter.ts'
import { closeUnused, type OpenedChannel, openChannel } from './jump-channel.ts'
import { faultBehind, faultOfJump } from './jump-fault.ts'
import { wireOver } from './jump-wire.ts'
import { lastJump } from './jump-words.ts'
import { enterJump } from './openssh-jump.ts'
import { type SharedConnection, shareConnection, type Use } from './shared-connection.ts'
import { PATIENCE, type Patience, type Wire } from './tcp.ts'
import type { NotOpened } from './transport.ts'
import { newTurns, type Turns } from './turns.ts'

/** What came of asking for a TCP connection; `silent`: neither a yes nor a no came back in time. */
export type PortAnswer = 'answers' | 'refuses' | 'silent'

/** Where a port is, as the last host in between finds it. */
export type Place = Pick<SshWay, 'address' | 'port'>

/** The hosts in between: one connection to each serves all that is reached through it. */
export type JumpHosts = {
  /** A stream to a port behind `jumps`, of which there is one at least. Its close ends the use of them. */
  reach(jumps: readonly SshWay[], place: Place, signal: AbortSignal): Promise<Reached>
  /** Asks the last of `jumps` for a TCP connection to a port, once. Nothing is sent over it. */
  ask(jumps: readonly SshWay[], place: Place, timeoutMs: number): Promise<PortAnswer>
}

/** sshd begins to hang up on who asks with ten logins under way (MaxStartups 10:30:100), and others ask it too. */
const HANDSHAKES = 8
/** Each takes a file descriptor of the one process that serves us there, which has 1024 unless told otherwise. */
const HOSTS_THROUGH_ONE = 400
const LINGERING_MS = 1_000
/** A jump host that is out of reach may be back soon; one that lets nobody in would only count us as an intruder. */
const PAUSE_MS = 4_000
const LONG_PAUSE_MS = 60_000
/** Questions for the same port while nothing comes back: each sends SYNs of its own, and stays at the jump host for minutes. */
const TRIES = 2
/** Before a port is asked nobody may have gone through its jump hosts yet. */
const OPENING_MS = 5_000

/** Those of this process. */
export const jumpHosts: JumpHosts = newJumpHosts(PATIENCE)

export function newJumpHosts(patience: Patience): JumpHosts {
  const known = new Map<string, Jump>()
  const knocking = new Map<string, Turns>()

  return {
    async reach(jumps, place, signal) {
      const { connection, hosts } = jumpOf(jumps)
      const giveBack = await hosts.take(signal)
      if (giveBack === undefined) return { ...cancelled(signal), early: false }
      const reached = await through(connection, { jumps, place, signal })
      if ('refused' in reached) giveBack()
      else reached.socket.once('close', giveBack)
      return reached
    },
    async ask(jumps, place, timeoutMs) {
      const signal = AbortSignal.timeout(OPENING_MS + timeoutMs)
      const use = await jumpOf(jumps).connection.use(signal)
      if ('refused' in use) return 'silent'
      const opened = await openChannel(use.connection, place, { ms: timeoutMs, signal })
      use.done()
      if ('refusal' in opened) return opened.refusal.type === 'refused' ? 'refuses' : 'silent'
      closeUnused(opened.channel)
      return 'answers'
    },
  }

  /** The last of `jumps`, reached through those before it; the same way to it is the same connection. */
  function jumpOf(jumps: readonly SshWay[]): Jump {
    const key = JSON.stringify(jumps)
    const jump = known.get(key) ?? {
      connection: shareConnection(async (signal) => await openJump(jumps, signal), {
        lingering: LINGERING_MS,
        afterFailure: ({ code }) => (code === 'auth' || code.startsWith('host-key') ? LONG_PAUSE_MS : PAUSE_MS),
        closing: patience.closing,
      }),
      hosts: newTurns(HOSTS_THROUGH_ONE),
    }
    known.set(key, jump)
    return jump
  }

  async function openJump(jumps: readonly SshWay[], signal: AbortSignal) {
    const [before, last] = [jumps.slice(0, -1), lastJump(jumps)]
    const turns = handshakesAt(last, before)
    const giveBack = await turns.take(signal)
    if (giveBack === undefined) return cancelled(signal)
    try {
      // What is wrong with one before it is told as that one's.
      let earlier: Fault | undefined
      const reach = async (life: AbortSignal): Promise<Reached> => {
        if (before.length === 0) return await dialled(last, patience, life)
        const reached = await through(jumpOf(before).connection, { jumps: before, place: last, signal: life })
        if ('refused' in reached && reached.isOfJump) earlier = reached.refused
        return reached
      }
      const entered = await enterJump(last, { jumps: before, reach, patience, signal })
      if ('client' in entered) return entered
      return entered.refused === earlier ? entered : { ...entered, refused: faultOfJump(last, entered.refused) }
    } finally {
      giveBack()
    }
  }

  /** Ways to the same sshd that differ in who logs in, or with which key, are connections of their own. */
  function handshakesAt(jump: SshWay, before: readonly SshWay[]): Turns {
    const key = JSON.stringify([before.map(({ address, port }) => [address, port]), jump.address, jump.port])
    const turns = knocking.get(key) ?? newTurns(HANDSHAKES)
    knocking.set(key, turns)
    return turns
  }

  async function through(connection: SharedConnection, { jumps, place, signal }: Passage): Promise<Through> {
    const use = await connection.use(signal)
    if ('refused' in use) return { ...use, early: false, isOfJump: use.refused.code !== 'cancelled' }
    const opened = await tryOpening(use, place, signal)
    if ('refusal' in opened) {
      use.done()
      return { ...faultBehind(opened.refusal, { jumps, place, signal }), early: false }
    }
    const socket = wireOver(opened.channel, use.connection.lost)
    socket.once('close', use.done)
    return { socket }
  }

  async function tryOpening({ connection }: Use, place: Place, signal: AbortSignal): Promise<OpenedChannel> {
    const ms = patience.connecting / TRIES
    for (let tries = 1; ; tries++) {
      const opened = await openChannel(connection, place, { ms, signal })
      if (!('refusal' in opened) || opened.refusal.type !== 'silent' || tries === TRIES) return opened
    }
  }
}

type Jump = { readonly connection: SharedConnection; readonly hosts: Turns }

type Passage = { readonly jumps: readonly SshWay[]; readonly place: Place; readonly signal: AbortSignal }

type Through = { readonly socket: Wire } | (NotOpened & { readonly early: boolean; readonly isOfJump: boolean })
