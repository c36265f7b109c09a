import type { Answer } from './ask.ts'

export type Decision = 'yes' | 'declined' | 'skipped'

type Person<T> = {
  readonly ask: (question: string) => Promise<Answer | 'interrupted'>
  readonly question: (one: T) => string
  readonly show: (one: T) => void
}

/** Asks about each in turn, in their order; every one ends with a decision, unless the person breaks off. */
export async function askEach<T>(all: readonly T[], person: Person<T>): Promise<readonly Decision[] | 'interrupted'> {
  const decide = asking(person)
  const decisions: Decision[] = []
  for (const one of all) {
    const decision = await decide(one)
    if (decision === 'interrupted') return 'interrupted'
    decisions.push(decision)
  }
  return decisions
}

/** Asks about one after the other; what was said to all the rest is asked no more. */
function asking<T>({ ask, question, show }: Person<T>): (one: T) => Promise<Decision | 'interrupted'> {
  let toTheRest: 'rest' | 'quit' | undefined
  return async (one) => {
    let answer = toTheRest ?? (await ask(question(one)))
    while (answer === 'show') {
      show(one)
      answer = await ask(question(one))
    }
    if (answer === 'interrupted') return 'interrupted'
    if (answer === 'rest' || answer === 'quit') toTheRest = answer
    return answer === 'yes' || answer === 'rest' ? 'yes' : answer === 'no' ? 'declined' : 'skipped'
  }
}
