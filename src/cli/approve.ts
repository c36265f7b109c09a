import { counted } from '../diagnosis/numbers.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { visible } from '../report/format.ts'
import type { Answer } from './ask.ts'

export type Planned = Extract<HostResult, { readonly status: 'planned' }>

export type Approval = {
  readonly approved: readonly Plan[]
  readonly others: readonly HostResult[]
}

type Person = {
  readonly ask: (question: string) => Promise<Answer | 'interrupted'>
  readonly show: (planned: Planned) => void
}

/** Asks for each host in turn; every one ends as approved, declined or skipped, unless the person breaks off. */
export async function approve(all: readonly Planned[], { ask, show }: Person): Promise<Approval | 'interrupted'> {
  const approved: Plan[] = []
  const others: HostResult[] = []
  let toTheRest: 'rest' | 'quit' | undefined
  for (const planned of all) {
    const { host, plan } = planned
    let answer = toTheRest ?? (await ask(questionFor(planned)))
    while (answer === 'show') {
      show(planned)
      answer = await ask(questionFor(planned))
    }
    if (answer === 'interrupted') return 'interrupted'
    if (answer === 'rest' || answer === 'quit') toTheRest = answer
    if (answer === 'yes' || answer === 'rest') approved.push(plan)
    else others.push({ host, status: answer === 'no' ? 'declined' : 'skipped', plan })
  }
  return { approved, others }
}

function questionFor({ host, plan }: Planned): string {
  return `${visible(host)}: ${visible(plan.strategy)}, ${counted(plan.changes.length, 'change', 'changes')}. Go ahead?`
}
