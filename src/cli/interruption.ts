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
type Streams = { readonly [name in 'stdin' | 'stdout' | 'stderr']: { readonly isTTY?: boolean } }

/**
 * The signals that stop us. A hangup does where one of our streams is a terminal; who has none of them, as under nohup, goes on when a
 * window is closed. That nohup had it ignored cannot be seen: Node sets all signals back before any of this runs (src/node.cc).
 */
export function stoppingSignals({ stdin, stdout, stderr }: Streams = process): readonly NodeJS.Signals[] {
  const hasTerminal = [stdin, stdout, stderr].some(({ isTTY }) => isTTY === true)
  return hasTerminal ? ['SIGINT', 'SIGTERM', 'SIGHUP'] : ['SIGINT', 'SIGTERM']
}

/** @param leave ends the process. */
export function watchSignals(
  say: (lines: readonly string[]) => void,
  leave: () => never,
  signals = stoppingSignals(),
): Interruption {
  if (!signals.includes('SIGHUP')) process.on('SIGHUP', goOn)
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
      if (advice === NONE) for (const name of signals) process.on(name, onSignal)
      advice = next
    },
  }
}

function goOn(): void {
  // Heard, so that it does not end us.
}
