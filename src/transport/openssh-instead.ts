import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { needsOpenssh } from './identities.ts'
import { notes } from './notes.ts'
import { openssh } from './openssh.ts'
import { noProgram } from './openssh-enter.ts'
import { opensshProgram } from './openssh-program.ts'
import { ssh } from './ssh.ts'
import type { Session } from './transport.ts'

type Opened = Session | { readonly refused: Fault }

/** Ways that ssh2 could not go in this process, and why: they are not tried with it again. */
const beyond = new Map<string, string>()

/** Over ssh2, or by the system's ssh where what the way needs is beyond ssh2; `note` of the session says so. */
export async function openOverSsh(host: Host, signal: AbortSignal): Promise<Opened> {
  const way = wayOf(host)
  const known = beyond.get(way) ?? (await needsOpenssh(host))
  if (known !== null) return await openInstead(host, known, signal)
  const opened = await ssh.open(host, signal)
  if (!('refused' in opened) || opened.beyondSsh2 === undefined) return opened
  const program = await opensshProgram()
  if ('cannot' in program) return { refused: withoutOther(opened.refused, program.cannot) }
  const other = await openInstead(host, opened.beyondSsh2, signal)
  if (!('refused' in other)) beyond.set(way, opened.beyondSsh2)
  return other
}

/** By the system's ssh, for a cause that people should hear of. */
export async function openInstead(host: Host, why: string, signal: AbortSignal): Promise<Opened> {
  const program = await opensshProgram()
  if ('cannot' in program) return { refused: noProgram(`${program.cannot} (${why})`) }
  const opened = await openssh.open(host, signal)
  if ('refused' in opened) return opened
  const note = noteOf(why)
  notes.add(host.name, note)
  return { ...opened, note }
}

/** ssh2's own words, and what to install. */
function withoutOther({ code, message }: Fault, cannot: string): Fault {
  return { code, message: `${message}; the system's ssh could do more, but ${cannot}`, next: noProgram(cannot).next }
}

function noteOf(why: string): string {
  return `reached by the system's ssh: ${why}`
}

function wayOf({ address, port, user, jumps = [] }: Host): string {
  return JSON.stringify([user, address, port, jumps])
}
