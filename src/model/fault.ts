/**
 * Why something could not be done, for the person who must act.
 * `message` is one sentence without the host's name; `next` is what to type or do now.
 */
export type Fault = { readonly code: FaultCode; readonly message: string; readonly next: string }

/** `inventory`: what it says of the host is not enough to reach it. */
export type FaultCode = LinkFault | HostFault | 'inventory' | 'bug' | 'cancelled'

/** The way to the host. */
export type LinkFault =
  | 'dns'
  | 'refused'
  | 'unreachable'
  | 'connect-timed-out'
  | 'handshake-timed-out'
  | 'login-timed-out'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'host-key-revoked'
  | 'auth'
  | 'lost'
  /** A host in between let us in, and leads no further. */
  | 'jump'

/** The host itself. */
export type HostFault =
  | 'no-privilege'
  | 'no-shell'
  | 'timed-out'
  | 'unreadable'
  | 'locked'
  | 'drifted'
  | 'step-failed'
  | 'not-verified'
  | 'not-confirmed'
  | 'undo-failed'
