import { cancelled } from './cancel.ts'
import type { Entrance } from './enter.ts'
import { typedBehind } from './jump-words.ts'
import { knock } from './knock.ts'
import { DEFAULT_KNOWN_HOSTS, findKnownKeys, keyType, knownName } from './known-hosts.ts'
import { judgeOrTake } from './new-keys.ts'
import { type NamedWay, reachesByItself } from './openssh-config.ts'
import type { NotLoggedIn } from './openssh-faults.ts'
import { type Master, type MasterMeans, startMaster } from './openssh-master.ts'
import { opensshProgram } from './openssh-program.ts'
import type { NotOpened } from './transport.ts'
import { newTurns } from './turns.ts'

/** A login of the system's ssh takes 15 to 70 ms of a processor: with many more at a time its time limits would be ours to blame. */
const LOGINS = 32
const logins = newTurns(LOGINS)

/** Reaches an sshd, unless ssh does so by itself, and has the system's ssh log in; knocks again where it had no time for us. */
export async function enterByOpenssh(way: NamedWay, entrance: Entrance): Promise<Master | NotOpened> {
  const entered = await knock(async (patience) => await enterOnce(way, { ...entrance, patience }), entrance)
  return 'channels' in entered ? entered : { refused: entered.refused }
}

async function enterOnce(way: NamedWay, { jumps, reach, patience, signal }: Entrance): Promise<Master | NotLoggedIn> {
  const program = await opensshProgram()
  if ('cannot' in program) return { refused: noProgram(program.cannot), early: false }
  const start = async (taken?: MasterMeans['taken']): Promise<Master | NotLoggedIn> => {
    if (signal.aborted) return { ...cancelled(signal), early: false }
    const more = taken === undefined ? {} : { taken }
    const means = { jumps, program, patience, signal, ...more }
    const reached = reachesByItself(way) ? { socket: null } : await reach(signal)
    if ('refused' in reached) return reached
    const giveBack = await logins.take(signal)
    if (giveBack === undefined) reached.socket?.destroy()
    if (giveBack === undefined) return { ...cancelled(signal), early: false }
    const started = await startMaster(way, { wire: reached.socket, letOthersGo: giveBack, ...means })
    giveBack()
    return 'refused' in started ? { ...started, refused: typedBehind(jumps, started.refused) } : started
  }
  const first = await start()
  if ('channels' in first || first.newKey === undefined) return first
  // Written down as it is over ssh2, then shown to ssh, which writes nothing.
  const files = way.knownHostsFiles.length > 0 ? way.knownHostsFiles : DEFAULT_KNOWN_HOSTS
  const verdict = await judgeOrTake(way, await findKnownKeys(files, way), first.newKey)
  if (verdict.verdict !== 'known') return first
  return await start(`${knownName(way)} ${keyType(first.newKey)} ${first.newKey.toString('base64')}`)
}

export function noProgram(cannot: string): NotOpened['refused'] {
  return {
    code: 'unreachable',
    message: `the system's ssh is needed for it, and ${cannot}`,
    next: "Install OpenSSH's client (openssh-client, openssh-clients, openssh), and see: ssh -V",
  }
}
