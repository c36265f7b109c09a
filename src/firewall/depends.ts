import { type BaseChain, basesOn, natBasesOn, rawBasesOn } from './bases.ts'
import { icmpMessage, type Packet, packetsOf, type Service, toAnywhere } from './packet.ts'
import type { Question } from './question.ts'
import { rulesMet } from './reach.ts'
import type { Backend, Family, Hook, LiveRules } from './rules.ts'

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
  const packets: Packet[] = services.flatMap((service) => packetsOf(family, service))
  const paths = new Set<Packet['path']>(packets.map(({ path }) => path))
  // This host's own ICMP errors about what it forwards go out.
  if (paths.has('forward')) paths.add('out')
  for (const path of ['in', 'out', 'forward'] as const) if (paths.has(path)) packets.push(icmpMessage(family, 3, path))
  const found = new Map<string, ChainRef>()
  for (const each of live) {
    const { backend, rules } = each
    for (const path of paths) {
      for (const { table, chain, translates } of basesBehind(each, path)) {
        const mine = packets.filter((one) => one.path === path)
        // What is translated on its way in counts by where it may end, not by where it was sent.
        const anywhere = translates && path === 'forward' ? mine.map(toAnywhere) : mine
        for (const packet of anywhere) {
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

function basesBehind(live: LiveRules, path: Packet['path']): readonly (BaseChain & { readonly translates: boolean })[] {
  const nat = HOOKS[path].flatMap((at) => natBasesOn(live, at))
  return [
    ...[...rawBasesOn(live, path), ...basesOn(live, path)].map((base) => ({ ...base, translates: false })),
    ...nat.map((base) => ({ ...base, translates: true })),
  ]
}

const HOOKS: Readonly<Record<Packet['path'], readonly Hook['at'][]>> = {
  in: ['prerouting', 'input'],
  out: ['output', 'postrouting'],
  forward: ['prerouting', 'postrouting'],
  back: ['prerouting', 'postrouting'],
}
