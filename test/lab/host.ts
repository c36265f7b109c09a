import type { Ended } from './command.ts'

export type ExecOptions = { readonly input?: string; readonly timeoutSeconds?: number }

/** `entries` is how many the table shall hold afterwards; `percent` the same as a share of `nf_conntrack_max`. */
export type FillOptions = { readonly entries?: number; readonly percent?: number; readonly port?: number }

/** A host of the lab, be it a namespace or a virtual machine. */
export interface LabHost {
  readonly name: string
  readonly address: string
  /** Undefined on a virtual machine, which is reached by a forwarded loopback port. */
  readonly address6: string | undefined
  readonly port: number
  readonly user: 'root' | 'ops'

  /** Runs a program (argv) or a script (one string, to /bin/sh) on the host as root, not through the lab's network. */
  exec(command: readonly string[] | string, options?: ExecOptions): Promise<Ended>
  /** Runs a shell command as the inventory's user through the system's ssh; code 255 when ssh itself failed. */
  ssh(command: string, options?: ExecOptions): Promise<Ended>
  /** Loads entries until the table holds the number asked for (never more than max); all belong to `port`, default 443. */
  fill(options?: FillOptions): Promise<{ count: number; max: number }>
  /** Empties the table. */
  drain(): Promise<void>
  /** Takes the host off the network, without telling it or its peers. */
  cut(): Promise<void>
  mend(): Promise<void>
  /** The host's state that ctfleet may change, as normalised text: equal text means as before. Changes nothing. */
  dump(): Promise<string>
}

/** What a namespace host can do besides. */
export interface NamespaceHost extends LabHost {
  /** The number by which this machine knows the host's first process; the host's files are below /proc/NUMBER/root. */
  pid(): Promise<number>
  /** Pulls the plug and starts the host again: files stay; processes, rules, entries and settings made at run time do not. */
  reboot(): Promise<void>
  /** The same with a new disk: a host as it was when the lab started. */
  reinstall(): Promise<void>
}
