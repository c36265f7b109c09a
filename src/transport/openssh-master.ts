import { watch } from 'node:fs'
import type { SshWay } from '../model/host.ts'
import { cancelled, pause } from './cancel.ts'
import { answering } from './openssh-answers.ts'
import { questionOf } from './openssh-askpass.ts'
import type { Channels } from './openssh-channels.ts'
import { hostArgument, type NamedWay } from './openssh-config.ts'
import { faultOfEnding, type NotLoggedIn, type Stopped } from './openssh-faults.ts'
import { joinMaster } from './openssh-mux.ts'
import { relay, signalTo, startSsh } from './openssh-process.ts'
import type { OpensshProgram } from './openssh-program.ts'
import { makeRoom, type Room } from './openssh-room.ts'
import { afterSilence } from './silence.ts'
import type { Patience, Wire } from './tcp.ts'

/** A process of the system's ssh that is logged in and holds one connection, which only we share. */
export type Master = {
  readonly channels: Channels
  /** Resolves when the connection is gone, with what ssh said of it. */
  readonly lost: Promise<string>
  /** Ends it, whatever it is at; nothing of it is left then. May be called twice. */
  close(): Promise<void>
}

export type MasterMeans = {
  /** The hosts in between: the same address behind others is another host. */
  readonly jumps: readonly SshWay[]
  /** What ssh is to speak over; null where it reaches the host by itself. */
  readonly wire: Wire | null
  readonly program: OpensshProgram
  /** A line of known_hosts that ssh is to trust besides. */
  readonly taken?: string
  readonly patience: Patience
  readonly signal: AbortSignal
  /** Called where the login has to wait for other hosts: what is left of it is little work. */
  readonly letOthersGo: () => void
}

/** Milliseconds for what ssh says as its connection ends. */
const LAST_WORDS_MS = 500

/** Starts ssh and waits until it is logged in. Never throws for what ssh or the host does. */
export async function startMaster(way: NamedWay, means: MasterMeans): Promise<Master | NotLoggedIn> {
  const { wire, patience, signal, program, taken } = means
  const argument = hostArgument(way)
  if (argument === null) return unusable(way, `${JSON.stringify(way.address)} is no name that it takes`, wire)
  const answers = answering(way, means.jumps, means.letOthersGo)
  const config = { patience, canAnswer: answers.canAnswer, overStdio: wire !== null, tellsKey: program.tellsKey }
  const room = await makeRoom(way, config, taken).catch((error: unknown) => wordsOf(error))
  if (typeof room === 'string') return unusable(way, room, wire)

  const { child, gone, said } = startSsh(['-F', room.config, '-M', '-N', '-T', '-S', room.socket, '--', argument], {
    askpass: answers.canAnswer ? room.askpass : null,
    overStdio: wire !== null,
    hearLine: (line) => {
      const [, number] = line.includes(room.nonce) ? (/ (\d+)$/.exec(line) ?? []) : []
      if (number !== undefined) void hearQuestion(number)
      return number !== undefined
    },
  })
  const peer = wire === null ? { left: false } : relay(wire, child)
  let stopped: Stopped | null = null
  const stop = (why: Stopped) => {
    stopped ??= why
    signalTo(child, 'SIGTERM')
  }
  const hearQuestion = async (number: string) => {
    // A password may have to wait for what other hosts say of it: this host is not to blame for the time.
    stopWaiting()
    await answers.hear(await questionOf(room.askpass, number), stop)
    stopWaiting = afterSilence(patience.login, () => stop({ type: 'login' }))
  }
  // Once something came, ssh may be slow itself: many of them share the processors of this machine.
  let stopListening = afterSilence(patience.handshake, () => {
    if (wire?.bytesRead === 0) return stop({ type: 'handshake' })
    stopListening = afterSilence(patience.handshake, () => {
      void hasNoKey(wire, program, room).then((has) => has && stop({ type: 'handshake' }))
    })
  })
  const inAll = patience.handshake + patience.login + (wire === null ? patience.connecting : 0)
  let stopWaiting = afterSilence(inAll, () => stop({ type: 'login' }))
  const onAbort = () => signalTo(child, 'SIGTERM')
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()

  const joined = await joinWhenThere(room, gone)
  stopListening()
  stopWaiting()
  signal.removeEventListener('abort', onAbort)
  const closeNow = async () => {
    signalTo(child, 'SIGTERM')
    await pause(patience.closing, gone)
    if (!gone.aborted) signalTo(child, 'SIGKILL')
    wire?.destroy()
    await room.tidy()
  }
  let closed: Promise<void> | undefined
  const close = async () => {
    closed ??= closeNow()
    await closed
  }
  if (joined === null || 'failed' in joined || signal.aborted) {
    const [byPeer, heard, shownKeys] = [peer.left, wire?.bytesRead ?? null, await room.shownKeys()]
    await close()
    const ending = { words: said(), shownKeys, byPeer, heard, stopped, passwordTold: answers.passwordTold }
    const failed =
      joined !== null && 'failed' in joined ? unusable(way, joined.failed, wire) : await faultOfEnding(way, ending)
    answers.end(failed.refused.code === 'auth' ? 'refused' : 'unsaid')
    return signal.aborted ? { ...cancelled(signal), early: false } : failed
  }
  answers.end('accepted')
  const lost = joined.lost.then(async () => {
    await pause(LAST_WORDS_MS, gone)
    // Of a host that is silent ssh says nothing that is an error.
    const byUs = wire !== null && !peer.left
    return said().split('\n').at(-1) || (byUs ? 'the host did not answer any more' : 'the host closed the connection')
  })
  return { channels: joined, lost, close }
}

/** The server began to talk, and has not got as far as its host key. */
async function hasNoKey(wire: Wire | null, { tellsKey }: OpensshProgram, room: Room): Promise<boolean> {
  return wire !== null && tellsKey && (await room.shownKeys()) === ''
}

/** Milliseconds until a socket is looked for of which nobody has told. */
const LOOK_AGAIN_MS = 250

/** Waits for the control socket, which is there as soon as ssh is logged in; null where ssh ends before. */
async function joinWhenThere({ directory, socket }: Room, gone: AbortSignal): ReturnType<typeof joinMaster> {
  let look: () => void = () => {}
  const watcher = watchIfPossible(directory, () => look())
  const onGone = () => look()
  gone.addEventListener('abort', onGone)
  try {
    while (!gone.aborted) {
      const changed = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_AGAIN_MS)
        look = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      const joined = await joinMaster(socket)
      if (joined !== null) return joined
      await changed
    }
    return null
  } finally {
    look()
    watcher?.close()
    gone.removeEventListener('abort', onGone)
  }
}

/** A system may have no more watches to give. */
function watchIfPossible(directory: string, onChange: () => void) {
  try {
    return watch(directory, onChange).on('error', () => {})
  } catch {
    return undefined
  }
}

function unusable({ address }: NamedWay, message: string, wire: Wire | null): NotLoggedIn {
  wire?.destroy()
  return {
    refused: {
      code: 'unreachable',
      message: `the system's ssh cannot be used for it: ${message}`,
      next: `See what ssh itself makes of it: ssh -v ${address}`,
    },
    early: false,
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
