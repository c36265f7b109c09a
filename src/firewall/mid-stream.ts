import { coarsened } from './coarse.ts'
import { decidedBy } from './decider.ts'
import { fate, passes, questionFor } from './evaluate.ts'
import { passagesOf } from './flow.ts'
import { and, not, yes } from './logic.ts'
import { forwardedReply, forwardedRequest, LATER_IN, reply, request, type Service } from './packet.ts'
import type { Family, LiveRules } from './rules.ts'
import { OverBudget, Work } from './work.ts'

/**
 * The rule that drops a TCP connection's packets when tracking meets them in the middle, as it does once a notrack rule is
 * taken away again: whichever side speaks first, its packet is NEW without SYN then. Null where every connection that passes is picked up; the rule or
 * policy as `table: -A CHAIN …` otherwise, or a sentence when that cannot be told.
 */
export function dropsMidStream(
  live: readonly LiveRules[],
  service: Service,
  { family, budget, work = new Work() }: { readonly family: Family; readonly budget: number; readonly work?: Work },
): string | null {
  if (service.protocol !== 'tcp') return null
  const mine = live.filter(({ rules }) => rules.family === family)
  const coarse = coarsened(mine)
  if (coarse !== mine && droppedIn(coarse, service, { family, budget, work }) === null) return null
  return droppedIn(mine, service, { family, budget, work })
}

function droppedIn(
  mine: readonly LiveRules[],
  service: Service,
  { family, budget, work }: { readonly family: Family; readonly budget: number; readonly work: Work },
): string | null {
  try {
    const question = questionFor(family, mine, { ports: [service.port], budget, work })
    const { decisions } = question
    const flow = passagesOf(question, mine, service)[0]?.passes ?? yes(decisions)
    const [asked, answered] = service.forwarded
      ? [forwardedRequest(family, service), forwardedReply(family, service)]
      : [request(family, service, 'wire'), reply(family, service, 'wire')]
    const sides = [asked, { ...answered, direction: 'original' } as const]
    for (const [side, flags] of sides.flatMap((each) => LATER_IN.slice(0, 2).map((set) => [each, set] as const))) {
      const packet = { ...side, flags, state: { is: 'NEW' } } as const
      const met = fate(question, mine, { ...packet, kind: `${packet.kind} later` })
      const lost = decisions.witness(
        and(decisions, flow, not(decisions, passes(question, met))),
        (value) => value !== 'no',
      )
      if (lost === null) continue
      return (
        decidedBy(question, mine, { ...packet, kind: `${packet.kind} later` }, lost).site ?? 'a rule that was not found'
      )
    }
    return null
  } catch (error) {
    if (error instanceof OverBudget) return 'these rules are too many to tell'
    throw error
  }
}
