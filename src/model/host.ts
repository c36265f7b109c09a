import type { Json } from './json.ts'

/**
 * Where an sshd is, who logs in there, and with what: all but secrets. What is absent is as ssh has it by default.
 * Names of members are those of the keywords in ssh_config(5).
 */
export type SshWay = {
  readonly address: string
  readonly port: number
  readonly user: string
  /** Private key files to offer, in order; empty: the agent's keys and the usual files in ~/.ssh; `none` alone: no file. */
  readonly identityFiles: readonly string[]
  /** Files of known host keys, in order of reading; a key that is taken goes into the first. */
  readonly knownHostsFiles: readonly string[]
  /** Certificates of our keys, which ssh2 cannot show. */
  readonly certificateFiles?: readonly string[]
  /** Of the agent's keys only those that `identityFiles` name. */
  readonly identitiesOnly?: true
  /** The agent's socket; `none`: no agent is asked. Absent: SSH_AUTH_SOCK. */
  readonly identityAgent?: string
  /** The name under which known_hosts files have it. */
  readonly hostKeyAlias?: string
  /** A key of a host that no file knows is written down and taken (`accept-new`); a changed one never is. */
  readonly acceptNewKeys?: true
  readonly forwardAgent?: true
  /** Kinds of login that are tried at all, in order: `publickey`, `password` … Absent: all that can be. */
  readonly preferredAuthentications?: readonly string[]
  /** Only addresses of this family are tried. */
  readonly addressFamily?: 'inet' | 'inet6'
  /** Keys that are taken are written down under a hash of the host's name. */
  readonly hashKnownHosts?: true
  /** Options that only the system's ssh follows, as `ssh -o` takes them: `ProxyCommand=…`. */
  readonly opensshOptions?: readonly string[]
  /** What in ssh_config takes the system's ssh, in words that end a sentence: `Match exec at ~/.ssh/config:4`. */
  readonly whyOpenssh?: string
  /**
   * Only the system's ssh can work out the way, by reading ssh_config itself (`Match exec`): what it would be given, and
   * its -F. Of this way it follows `opensshOptions` alone, which are the inventory's.
   */
  readonly readBySsh?: { readonly name: string; readonly configFile?: string }
}

/** One machine of the inventory, with everything that is needed to reach it. Holds no secrets, only paths to them. */
export type Host = SshWay & {
  readonly name: string
  readonly groups: readonly string[]
  /** Hosts in between, the first one first; each is reached through those before it (`ProxyJump`). */
  readonly jumps?: readonly SshWay[]
  /** How root is had once logged in. */
  readonly become: 'none' | 'sudo' | 'doas' | 'su'
  /** Who one becomes that way; absent: root. */
  readonly becomeUser?: string
  /** `openssh`: the system's own ssh. */
  readonly transport: 'ssh' | 'openssh' | 'local'
  /** Hosts with the same word stand in for each other, and never change at the same time (`ctfleet_pair`). */
  readonly pair?: string
  /** Other hosts are reached, or reach others, through it: it changes last, and alone (`ctfleet_gateway`). */
  readonly gateway?: boolean
  readonly vars: { readonly [name: string]: Json }
  /** Where the inventory names this host, for complaints: `inventory.yaml:14:9`. */
  readonly origin: string
  /** The inventory that holds passwords of this host, as an absolute path: they are never kept with the host. */
  readonly secretsFrom?: string
}

/** What is needed to log in to one host, and to become root on it, and may be written nowhere: no plan, record or report. */
export type HostSecrets = { readonly login?: string; readonly become?: string }

/** A host as the inventory has it. What it does not say of the way is for ssh_config to say, or as ssh has it by default. */
export type InventoryHost = Omit<Host, keyof SshWay | 'jumps'> & {
  /** What `ssh` would be given: a name in ssh_config, or an address. */
  readonly address: string
  /** What goes before ssh_config, as `ssh -o` would have it; of a keyword given twice the first counts. */
  readonly sshOptions: readonly SshOption[]
  /** Read in place of the user's ssh_config and the system's (`ssh -F`); `none`: no file. */
  readonly sshConfigFile?: string
  /** What the inventory says of the way and ctfleet does not follow, in whole sentences. */
  readonly unfollowed?: readonly string[]
}

/** `keyword` in the spelling of ssh_config(5), as `IdentityFile`; `at` is where it is written: `group_vars/web.yml:3:7`. */
export type SshOption = {
  readonly keyword: string
  readonly value: string
  readonly at?: string
  /** It came out of a vault: no complaint may show it. */
  readonly secret?: true
}
