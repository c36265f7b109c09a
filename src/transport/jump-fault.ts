import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'
import { cancelled } from './cancel.ts'
import type { ChannelRefusal } from './jump-channel.ts'
import { lastJump, loginAtJump, nameOfJump } from './jump-words.ts'

/** What is wrong with a host in between, as it is told of every host behind it. */
export function faultOfJump(jump: SshWay, { code, message, next }: Fault): Fault {
  return { code, message: `the jump host ${nameOfJump(jump)}: ${message}`, next }
}

export type Behind = {
  /** The hosts in between, of which the last one was asked. */
  readonly jumps: readonly SshWay[]
  readonly place: { readonly address: string; readonly port: number }
  readonly signal: AbortSignal
}

/** Why no connection came of a question to a jump host. `isOfJump`: it is so for every host behind it. */
export function faultBehind(
  refusal: ChannelRefusal,
  { jumps, place: { address, port }, signal }: Behind,
): { readonly refused: Fault; readonly isOfJump: boolean } {
  const jump = lastJump(jumps)
  const name = nameOfJump(jump)
  const there = `${address} port ${port}`
  const login = loginAtJump(jumps)
  const ofHost = (code: Fault['code'], message: string, next: string) => ({
    refused: { code, message, next },
    isOfJump: false,
  })
  switch (refusal.type) {
    case 'forbidden':
      return {
        refused: {
          code: 'jump',
          message: `the jump host ${name} lets nobody connect through it (${quoted(refusal.words)})`,
          next: `In sshd_config on ${jump.address}: AllowTcpForwarding yes, and a PermitOpen that has the host; in ~${jump.user}/.ssh/authorized_keys there: no "restrict" or "no-port-forwarding" before the key`,
        },
        isOfJump: true,
      }
    case 'no-room':
      return {
        refused: {
          code: 'unreachable',
          message: `the jump host ${name} has no room for another connection (${quoted(refusal.words)})`,
          next: `Fewer hosts at a time (--forks), or more open files for sshd on ${jump.address} (LimitNOFILE)`,
        },
        isOfJump: true,
      }
    case 'lost':
      return {
        refused: {
          code: 'lost',
          message: `the connection to the jump host ${name} broke off`,
          next: `See whether ${jump.address} is still up: ${login}`,
        },
        isOfJump: true,
      }
    case 'cancelled':
      return { ...cancelled(signal), isOfJump: false }
    case 'refused':
      return ofHost(
        'refused',
        `nothing listens on ${there}, says the jump host ${name}`,
        `See whether sshd runs there and on which port (ansible_port): ${login}, and from there ssh -p ${port} ${address}`,
      )
    case 'no-route':
      return ofHost(
        'unreachable',
        `there is no way to ${address}, says the jump host ${name} (${quoted(refusal.words)})`,
        `On ${jump.address}: ip route get ${address}`,
      )
    case 'no-name':
      return ofHost(
        'dns',
        `the jump host ${name} finds no address for ${address} (${quoted(refusal.words)})`,
        `On ${jump.address}: getent hosts ${address}`,
      )
    case 'failed':
      return ofHost(
        'unreachable',
        `the jump host ${name} could not connect to ${there} (${quoted(refusal.words)})`,
        `On ${jump.address}: ssh -v -p ${port} ${address}`,
      )
    case 'silent':
      return ofHost(
        'connect-timed-out',
        `no answer from ${there} through the jump host ${name}: it is down, a firewall drops us, or its connection table is full`,
        `Try again, or look from its console: dmesg | grep 'table full'`,
      )
  }
}

function quoted(words: string): string {
  return words === '' ? 'it does not say why' : JSON.stringify(words)
}
