import type { Explanation, PortDecision } from '../model/explanation.ts'
import type { Facts } from '../model/facts.ts'
import type { Host } from '../model/host.ts'
import { mapReading } from '../model/reading.ts'
import type { ExplainResult, LeftOut } from '../model/result.ts'
import type { Analysis } from '../strategies/analysis.ts'
import { portDecisions } from '../strategies/busy-ports.ts'
import type { Choice } from '../strategies/choose.ts'
import { effectsOf } from '../strategies/effects.ts'
import { tableSize } from '../strategies/table-size.ts'
import { factsHost } from './facts-host.ts'
import { judgeHost, type Wish } from './judge-host.ts'
import type { Telling } from './story.ts'
import { leftOutBy } from './where.ts'

/** Says why a host would get what it would get, and what each strategy would change; one trip, and nothing on it changes. */
export async function explainHost(host: Host, wish: Wish, telling: Telling): Promise<ExplainResult | LeftOut> {
  const read = await factsHost(host, telling)
  if (read.status !== 'read') return read
  const leftOut = leftOutBy(wish.where, host.name, read.facts)
  if (leftOut !== null) return leftOut
  const { facts, notRoot } = read
  return { host: host.name, status: 'explained', explanation: explanationOf(facts, wish), notRoot }
}

/** The same from facts alone. */
export function explanationOf(facts: Facts, wish: Wish): Explanation {
  const { locked, findings, health, analysis, choice } = judgeHost(facts, wish)
  return {
    locked,
    health,
    findings,
    table: tableSize(facts, analysis.tune),
    strategies: wish.playbooks.flatMap((playbook) => {
      const verdict = choice.considered.find(({ strategy }) => strategy === playbook.name)
      if (verdict === undefined) return []
      return [{ title: playbook.title, verdict, effect: effectsOf(facts, analysis, playbook) }]
    }),
    choice: locked === null ? choiceOf(choice) : { strategy: null, why: locked.message },
    ports: mapReading(portDecisions(facts, wish.ports), (ports) => ports.map((each) => asJudged(each, analysis))),
    standing: analysis.notrack.standing,
    root: facts.privilege.root,
  }
}

/** A port that would be left out is not, where the remedy as a whole does not fit. */
function asJudged(port: PortDecision, { notrack: { safe, why } }: Analysis): PortDecision {
  if (port.decision !== 'chosen' || (safe.known && safe.value)) return port
  return { ...port, decision: 'refused', why: `${port.why}; but ${safe.known ? 'refused' : 'cannot be told'}: ${why}` }
}

function choiceOf(choice: Choice): Explanation['choice'] {
  switch (choice.type) {
    case 'healthy':
      return { strategy: null, why: 'the host is healthy' }
    case 'none':
      return { strategy: null, why: choice.why }
    case 'chosen': {
      const { name } = choice.playbook
      const chosen = choice.considered.find(({ strategy }) => strategy === name)
      return { strategy: name, why: (chosen ?? choice.verdict).reasons.join('; ') }
    }
  }
}
