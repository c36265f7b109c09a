import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { markBeyondSsh2, whyBeyondSsh2 } from './beyond-ssh2.ts'
import { notes } from './notes.ts'
import { openssh } from './openssh.ts'
import { noProgram } from './openssh-enter.ts'
import { opensshProgram } from './openssh-program.ts'
import { ssh } from './ssh.ts'
import type { Session } from './transport.ts'

type Opened = Session | { readonly refused: Fault }

/** Over ssh2, or by the system's ssh where what the way needs is beyond ssh2; `note` of the session says so. */
export async function openOverSsh(host: Host, signal: AbortSignal): Promise<Opened> {
  const jumps = host.jumps ?? []
  const known = await whyBeyondSsh2(host, jumps)
  if (known !== null) return await openInstead(host, known, signal)
  const opened = await ssh.open(host, signal)
  if (!('refused' in opened) || opened.beyondSsh2 === undefined) return opened
  const program = await opensshProgram()
  if ('cannot' in program) return { refused: withoutOther(opened.refused, program.cannot) }
  const other = await openInstead(host, opened.beyondSsh2, signal)
  if (!('refused' in other)) markBeyondSsh2(host, jumps, opened.beyondSsh2)
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
