/** Lets so many at a time; whoever comes later waits, in order. */
export type Turns = {
  /** Resolves with what gives the turn back, once; with undefined where the signal was aborted before the turn came. */
  take(signal: AbortSignal): Promise<(() => void) | undefined>
}

export function newTurns(most: number): Turns {
  const waiting: (() => void)[] = []
  let taken = 0
  const turn = () => {
    let given = false
    return () => {
      if (given) return
      given = true
      const next = waiting.shift()
      if (next === undefined) taken -= 1
      else next()
    }
  }
  return {
    async take(signal) {
      if (signal.aborted) return undefined
      if (taken < most) {
        taken += 1
        return turn()
      }
      return await new Promise((resolve) => {
        const come = () => {
          signal.removeEventListener('abort', leave)
          resolve(turn())
        }
        const leave = () => {
          waiting.splice(waiting.indexOf(come), 1)
          resolve(undefined)
        }
        waiting.push(come)
        signal.addEventListener('abort', leave, { once: true })
      })
    },
  }
}
