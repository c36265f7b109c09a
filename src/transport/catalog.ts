import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { local } from './local.ts'
import { openssh } from './openssh.ts'
import { openInstead, openOverSsh } from './openssh-instead.ts'
import { ssh } from './ssh.ts'
import type { Session, Transport } from './transport.ts'

export const TRANSPORTS = [ssh, openssh, local] as const satisfies readonly Transport[]

/**
 * Opens a way into a host by the transport that it names; where that is ssh2, and it cannot do what the way needs, by the
 * system's ssh. Never throws for what the host or the link does.
 */
export async function openSession(host: Host, signal: AbortSignal): Promise<Session | { readonly refused: Fault }> {
  const transport = TRANSPORTS.find(({ name }) => name === host.transport)
  if (transport === undefined) throw new TypeError(`no transport is called ${host.transport}`)
  if (transport === ssh) return await openOverSsh(host, signal)
  if (transport === openssh && host.whyOpenssh !== undefined) return await openInstead(host, host.whyOpenssh, signal)
  return await transport.open(host, signal)
}
