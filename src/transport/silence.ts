/**
 * Calls `onTime` after so many milliseconds in which the other side could have been heard. While this process is busy with
 * others it hears nobody, and that is no silence of theirs: what it was late by is added.
 * @returns what takes it back
 */
export function afterSilence(ms: number, onTime: () => void): () => void {
  listeners += 1
  if (listeners === 1) begin()
  const lateBefore = lateness()
  let added = 0
  let over = false
  const stop = () => {
    if (over) return
    over = true
    clearTimeout(timer)
    listeners -= 1
    if (listeners === 0) clearInterval(ticker)
  }
  const look = () => {
    const owed = Math.min(lateness() - lateBefore, ms * MOST_TIMES) - added
    // Also where nothing is owed any more: what came in meanwhile is read between two timers.
    if (owed > LITTLE_MS) {
      added += owed
      timer = setTimeout(look, owed)
      return
    }
    stop()
    onTime()
  }
  let timer = setTimeout(look, ms)
  return stop
}

/** Milliseconds that `afterSilence` has counted since it had somebody to listen to: the clock of deadlines. */
export function heardTime(): number {
  return performance.now() - lateness()
}

/** Of a time in which we were busy, as much as this may go uncounted. */
const TICK_MS = 25
const LITTLE_MS = 5
/** One host that keeps us busy must not have all others waited for without end. */
const MOST_TIMES = 4

let listeners = 0
let late = 0
let expected = 0
let ticker: NodeJS.Timeout | undefined

function begin(): void {
  expected = performance.now() + TICK_MS
  ticker = setInterval(lateness, TICK_MS)
}

/** How late this process was in all, as of now: by how much its own ticks were behind. */
function lateness(): number {
  if (listeners === 0) return late
  const now = performance.now()
  if (now > expected) {
    late += now - expected
    expected = now + TICK_MS
  }
  return late
}
