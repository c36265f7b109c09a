import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'

/** A host in between as one types it behind `ssh -J`, and as messages call it. */
export function nameOfJump({ user, address, port }: SshWay): string {
  const host = address.includes(':') ? `[${address}]` : address
  return port === 22 ? `${user}@${host}` : `${user}@${host}:${port}`
}

/** What to type to get to the last of them. */
export function loginAtJump(jumps: readonly SshWay[]): string {
  const last = lastJump(jumps)
  const before = jumps.slice(0, -1)
  const over = before.length === 0 ? '' : ` -J ${before.map(nameOfJump).join(',')}`
  return `ssh${over} -p ${last.port} ${last.user}@${last.address}`
}

/** The commands that a fault names, as they have to be typed for a host behind others; from here they would lead nowhere. */
export function typedBehind(jumps: readonly SshWay[], { code, message, next }: Fault): Fault {
  if (jumps.length === 0) return { code, message, next }
  return {
    code,
    message,
    next: next
      .replaceAll(/\bssh -v /g, `ssh -v -J ${jumps.map(nameOfJump).join(',')} `)
      // It knows no way through others: it is run on the last of them.
      .replaceAll(/\bssh-keyscan /g, `${loginAtJump(jumps)} ssh-keyscan `),
  }
}

/** The one through which a host is reached at last; there has to be one. */
export function lastJump(jumps: readonly SshWay[]): SshWay {
  const last = jumps.at(-1)
  if (last === undefined) throw new TypeError('no host is in between')
  return last
}
