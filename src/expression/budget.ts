/** How much an evaluation may do before it is broken off, so that no expression and no host keeps ctfleet from all else. */
export type Budget = {
  /** @param steps rounds of comprehensions, or states that a pattern goes through. @throws Error when all is used up */
  readonly spend: (steps: number) => void
  /** Runs an evaluation with a budget of its own. */
  readonly within: <T>(evaluation: () => T) => T
}

/** About a second; ten thousand rules, each matched with a pattern and its name of a hundred characters, take a third. */
const MOST_STEPS = 5_000_000

export function newBudget(): Budget {
  let left = MOST_STEPS
  return {
    spend(steps) {
      left -= steps
      if (left < 0) throw new Error(`takes too long: broken off after ${MOST_STEPS / 1_000_000} million steps`)
    },
    within(evaluation) {
      left = MOST_STEPS
      return evaluation()
    },
  }
}
