import { PATHS } from './evaluate.ts'
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
  for (const { backend, rules } of live) {
    for (const [table, chain, path] of BASES) {
      for (const packet of packets.filter((each) => each.path === path)) {
        const { chains } = rulesMet(question, rules, { table, chain }, { ...packet, flags: null }, true)
        for (const name of [chain, ...chains]) {
          const ref = { backend, family, table, chain: name }
          found.set(`${backend} ${table} ${name}`, ref)
        }
      }
    }
  }
  return [...found.values()]
}

const BASES: readonly (readonly [table: string, chain: string, path: 'in' | 'out'])[] = [
  ['raw', 'PREROUTING', 'in'],
  ['raw', 'OUTPUT', 'out'],
  ...PATHS.in.map(({ table, chain }) => [table, chain, 'in'] as const),
  ...PATHS.out.map(({ table, chain }) => [table, chain, 'out'] as const),
  ['nat', 'PREROUTING', 'in'],
  ['nat', 'INPUT', 'in'],
  ['nat', 'OUTPUT', 'out'],
  ['nat', 'POSTROUTING', 'out'],
]
