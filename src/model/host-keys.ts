import type { Fault } from './fault.ts'

/** `new`: no file knows any key of this type for the host; `changed`: the files have another one. */
export type KeyStanding = 'known' | 'new' | 'changed' | 'revoked'

/** One key that a host shows. */
export type HostKey = {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  readonly type: string
  /** `SHA256:…`, as ssh-keygen -l has it. */
  readonly fingerprint: string
  readonly standing: KeyStanding
  /** The line that decided: `~/.ssh/known_hosts:12`; null where the key is known or new. */
  readonly origin: string | null
}

/** What became of a host's new keys; `withheld`: another one of them is changed or revoked, so none is written. */
export type KeysDecision = 'nothing-new' | 'written' | 'declined' | 'skipped' | 'shown' | 'withheld' | 'unwritten'

/** The keys of one host, asked for without a login. */
export type KeysResult = { readonly host: string; readonly address: string; readonly port: number } & (
  | {
      readonly status: 'asked'
      readonly keys: readonly HostKey[]
      readonly decision: KeysDecision
      /** Where they were written, or why they could not be. */
      readonly file: string | null
      readonly why: string | null
    }
  | { readonly status: 'unreachable' | 'failed'; readonly fault: Fault }
  | { readonly status: 'not-reached'; readonly why: string }
)
