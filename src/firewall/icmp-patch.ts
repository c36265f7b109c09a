import { alone, differences } from './compare.ts'
import { decidedBy } from './decider.ts'
import type { Node } from './decision.ts'
import { fate, passes, questionFor } from './evaluate.ts'
import { findTwins } from './find-twins.ts'
import { fromLoopbackAddress, passagesOf } from './flow.ts'
import { ICMP_ERRORS } from './icmp.ts'
import { icmpLikeness } from './likeness.ts'
import { and, not, or, yes } from './logic.ts'
import type { Service } from './packet.ts'
import { isAnswered, type Passage } from './passage.ts'
import type { Question } from './question.ts'
import { type Refused, refused, sentence } from './refused.ts'
import type { Family, LiveRules } from './rules.ts'
import type { Twin } from './twins.ts'
import type { Work } from './work.ts'

/** Where ICMP errors go; `refusals`: out, and only those by which a rule refuses a packet. */
export type IcmpPath = 'in' | 'out' | 'forward' | 'refusals'

/** Twins for the ICMP errors that path MTU discovery, refusals and quick failures need, or why they cannot be had. */
export function icmpPatch(
  live: readonly LiveRules[],
  put: { readonly family: Family; readonly budget: number; readonly work: Work },
  { paths, services }: { readonly paths: readonly IcmpPath[]; readonly services: readonly Service[] },
): { readonly safe: true; readonly twins: readonly Twin[] } | Refused {
  const question = questionFor(put.family, live, { ...put, ports: services.map(({ port }) => port) })
  const twins: Twin[] = []
  for (const path of paths.filter((each) => each !== 'refusals' || !paths.includes('out'))) {
    const among = concerned(question, live, services, path)
    for (const type of path === 'refusals' ? ICMP_ERRORS[put.family].slice(0, 1) : ICMP_ERRORS[put.family]) {
      const likeness = icmpLikeness(put.family, type, path === 'refusals' ? 'out' : path)
      const name = `ICMP errors (type ${type}) about untracked connections, ${GOING[path]}`
      const related = fate(question, live, likeness.like)
      const passage = (rules: readonly LiveRules[], alsoRelated: boolean): Passage => {
        const invalid = likeness.become.map((packet) => fate(question, rules, packet))
        const parts = [...invalid, ...(alsoRelated ? [related] : [])].map((each) => passes(question, each))
        const passing = and(question.decisions, among, or(question.decisions, ...parts))
        const asked = [...likeness.become, ...(alsoRelated ? [likeness.like] : [])]
        return { name, passes: passing, ways: asked.map((packet) => (at) => decidedBy(question, rules, packet, at)) }
      }
      const before = alone(passage(live, true))
      const changes = (after: readonly LiveRules[]) => differences(question, before, alone(passage(after, false)))
      const found = findTwins(question, live, [likeness], { ports: [], changes })
      if ('difference' in found) return refused(sentence(null, found.difference), found.difference.rule)
      twins.push(...found.twins)
    }
  }
  return { safe: true, twins }
}

const GOING: Readonly<Record<IcmpPath, string>> = {
  in: 'coming in',
  out: 'going out',
  forward: 'passing through',
  refusals: 'going out',
}

/** An error about a connection is sent to, or from, an address of the host at which some passes; about a forwarded one, any. */
function concerned(question: Question, live: readonly LiveRules[], services: readonly Service[], path: IcmpPath): Node {
  const { decisions } = question
  const outside = not(decisions, fromLoopbackAddress(question))
  if (path !== 'in' && (path !== 'out' || services.some(({ forwarded }) => forwarded))) return outside
  const flows = services
    .filter(({ forwarded }) => !forwarded)
    .flatMap((service) => passagesOf(question, live, service))
    .filter(isAnswered)
  const any = or(decisions, ...flows.map(({ passes }) => passes))
  return and(decisions, outside, flows.length === 0 ? yes(decisions) : decisions.project(any, 'server'))
}
