import type { Json } from './json.ts'

/** One machine of the inventory, with everything that is needed to reach it. Holds no secrets, only paths to them. */
export type Host = {
  readonly name: string
  readonly groups: readonly string[]
  readonly address: string
  readonly port: number
  readonly user: string
  /** Private key files to offer, in order; empty: the agent's keys and the usual files in ~/.ssh. */
  readonly identityFiles: readonly string[]
  /** Files of known host keys, in order of reading. */
  readonly knownHostsFiles: readonly string[]
  /** How root is had once logged in. */
  readonly become: 'none' | 'sudo'
  readonly transport: 'ssh' | 'local'
  /** Hosts with the same word stand in for each other, and never change at the same time (`ctfleet_pair`). */
  readonly pair?: string
  /** Other hosts are reached, or reach others, through it: it changes last, and alone (`ctfleet_gateway`). */
  readonly gateway?: boolean
  readonly vars: { readonly [name: string]: Json }
  /** Where the inventory names this host, for complaints: `inventory.yaml:14:9`. */
  readonly origin: string
}
