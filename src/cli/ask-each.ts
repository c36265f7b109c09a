import type { Answer } from './ask.ts'

export type Decision = 'yes' | 'declined' | 'skipped'

type Person<T> = {
  readonly ask: (question: string) => Promise<Answer | 'interrupted'>
  readonly question: (one: T) => string
  readonly show: (one: T) => void
}

/** Asks about each in turn, in their order; every one ends with a decision, unless the person breaks off. */
export async function askEach<T>(
  all: readonly T[],
  { ask, question, show }: Person<T>,
): Promise<readonly Decision[] | 'interrupted'> {
  const decisions: Decision[] = []
  let toTheRest: 'rest' | 'quit' | undefined
  for (const one of all) {
    let answer = toTheRest ?? (await ask(question(one)))
    while (answer === 'show') {
      show(one)
      answer = await ask(question(one))
    }
    if (answer === 'interrupted') return 'interrupted'
    if (answer === 'rest' || answer === 'quit') toTheRest = answer
    decisions.push(answer === 'yes' || answer === 'rest' ? 'yes' : answer === 'no' ? 'declined' : 'skipped')
  }
  return decisions
}
