/** How a script on a host ended. `stdout` and `stderr` are capped by the transport, which says so in `truncated`. */
export type Outcome = Exited | Killed | TimedOut | Lost

export type Exited = {
  readonly type: 'exited'
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The output was longer than the transport's cap; what is here is its beginning. */
  readonly truncated: boolean
}
export type Killed = {
  readonly type: 'killed'
  readonly signal: string
  readonly stdout: string
  readonly stderr: string
}
/** The host may still be at it. */
export type TimedOut = { readonly type: 'timed-out'; readonly afterMs: number }
/** The link went away, or we let go of it; the host may still be at it. */
export type Lost = { readonly type: 'lost'; readonly why: string }
