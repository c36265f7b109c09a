/** Ctrl-C, and what ends a terminal or a service: the first asks to stop, the second leaves at once. */
export type Interruption = {
  /** Aborted by the first: no new host begins, those under way finish or undo. */
  readonly signal: AbortSignal
  /** What the first signal does, for Ctrl-C at a question, which is a key there and no signal. */
  stop(): void
  /**
   * What to say when a person leaves while hosts are at work; the newest advice counts. Until the first one nothing is at
   * stake, and a signal ends the process as it ends any other, whatever that is waiting for.
   */
  adviseOnLeaving(advice: () => readonly string[]): void
}

const NONE = () => []
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** @param leave ends the process. */
export function watchSignals(say: (lines: readonly string[]) => void, leave: () => never): Interruption {
  const controller = new AbortController()
  let advice: () => readonly string[] = NONE
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      // Of a window that is closed both the terminal and the shell tell, and that nobody sees it any more is no second wish.
      if (name === 'SIGHUP') return
      say(['', 'Left at once.', ...advice()])
      leave()
    }
    stop()
  }
  const stop = () => {
    // First, so that a question that stands open is closed before anything is said below it.
    controller.abort(new Error('interrupted'))
    say(['', 'Stopping: no further host begins, those at work finish or undo.', 'Ctrl-C again leaves at once.'])
  }
  return {
    signal: controller.signal,
    stop,
    adviseOnLeaving(next) {
      if (advice === NONE) for (const name of SIGNALS) process.on(name, onSignal)
      advice = next
    },
  }
}
