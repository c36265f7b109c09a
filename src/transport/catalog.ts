import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { local } from './local.ts'
import { ssh } from './ssh.ts'
import type { Session, Transport } from './transport.ts'

export const TRANSPORTS = [ssh, local] as const satisfies readonly Transport[]

/** Opens a way into a host by the transport that it names. Never throws for what the host or the link does. */
export async function openSession(host: Host, signal: AbortSignal): Promise<Session | { readonly refused: Fault }> {
  const transport = TRANSPORTS.find(({ name }) => name === host.transport)
  if (transport === undefined) throw new TypeError(`no transport is called ${host.transport}`)
  return await transport.open(host, signal)
}
