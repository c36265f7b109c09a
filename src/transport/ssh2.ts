import type { AnyAuthMethod, ClientChannel, ParsedKey, ServerHostKeyAlgorithm } from 'ssh2'
import ssh2 from 'ssh2'

/** The one door to ssh2. */
export const { Client, createAgent, BaseAgent, utils } = ssh2
export type Client = ssh2.Client
export type BaseAgent = ssh2.BaseAgent
/** ssh2 would cut what it sends into pieces of no bytes, without end, for a server that says that it takes none in a packet. */
export function takesData(channel: ClientChannel): boolean {
  const { outgoing } = channel as unknown as { readonly outgoing?: { readonly packetSize?: unknown } }
  // Channels of the system's ssh, which look after this themselves, have none.
  return outgoing === undefined || (typeof outgoing.packetSize === 'number' && outgoing.packetSize > 0)
}

export type { AnyAuthMethod, ClientChannel, ParsedKey, ServerHostKeyAlgorithm }
