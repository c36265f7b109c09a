import { type BaseChain, basesOn, natBasesOn, rawBasesOn } from './bases.ts'
import { icmpMessage, overLoopback, reply, request, type Service } from './packet.ts'
import type { Question } from './question.ts'
import { rulesMet } from './reach.ts'
import type { Backend, Family, LiveRules } from './rules.ts'

/** A chain that a verdict rests on. */
export type ChainRef = {
  readonly backend: Backend
  readonly family: Family
  readonly table: string
  readonly chain: string
}

/** Every chain that a service's packets can come through, base chains that are not there yet included. */
export function chainsBehind(
  question: Question,
  live: readonly LiveRules[],
  services: readonly Service[],
): readonly ChainRef[] {
  const { family } = question.space
  const packets = services.flatMap((service) => {
    const [asked, answered] = [request(family, service, 'lo'), reply(family, service, 'lo')]
    const wire = [request(family, service, 'wire'), reply(family, service, 'wire')]
    return [...wire, asked, answered, overLoopback(asked), overLoopback(answered)]
  })
  packets.push(icmpMessage(family, 3, 'in'), icmpMessage(family, 3, 'out'))
  const found = new Map<string, ChainRef>()
  for (const each of live) {
    const { backend, rules } = each
    for (const path of ['in', 'out'] as const) {
      for (const { table, chain } of basesBehind(each, path)) {
        for (const packet of packets.filter((one) => one.path === path)) {
          const { chains } = rulesMet(question, rules, { table, chain }, { ...packet, flags: null }, true)
          for (const name of [chain, ...chains]) {
            const ref = { backend, family, table, chain: name }
            found.set(`${backend} ${table} ${name}`, ref)
          }
        }
      }
    }
  }
  return [...found.values()]
}

function basesBehind(live: LiveRules, path: 'in' | 'out'): readonly BaseChain[] {
  const hooks = path === 'in' ? (['prerouting', 'input'] as const) : (['output', 'postrouting'] as const)
  return [...rawBasesOn(live, path), ...basesOn(live, path), ...hooks.flatMap((at) => natBasesOn(live, at))]
}
