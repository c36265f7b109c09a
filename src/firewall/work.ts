/**
 * How much may still be done to judge one host's rules. It counts steps and not time, so that the same rules get the same
 * verdict anywhere; a rule set made to take for ever is refused like one too large.
 */
export class Work {
  readonly #most: number
  #left: number

  /** @param most steps; a million take from 0.05 to 0.2 seconds of CPU. */
  constructor(most = MOST_STEPS) {
    this.#most = most
    this.#left = most
  }

  get done(): number {
    return this.#most - this.#left
  }

  /** @throws OverBudget once more was done than may be. */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new OverBudget(`the rules take more than ${this.#most} steps to judge`)
  }
}

/** Asking a packet about a rule takes as long as so many decisions. */
export const STEPS_A_RULE = 4

const MOST_STEPS = 30_000_000

export class OverBudget extends Error {
  override readonly name = 'OverBudget'
}

/** Chains that lead on further than this are nobody's firewall: nf_tables itself stops at 16. */
export const DEEPEST = 200

export function tooDeep(chain: string): OverBudget {
  return new OverBudget(`chains lead more than ${DEEPEST} deep, at chain ${chain}`)
}
