import { kindOf } from './decision.ts'
import { type BaseChain, translatedWhere } from './evaluate.ts'
import { overLoopback, type Packet, reply, request, type Service } from './packet.ts'
import type { Question } from './question.ts'
import type { LiveRules } from './rules.ts'

/** Which rule may translate a service's packets over the wire, which its packets over loopback, and which may by chance. */
export type Translations = {
  readonly wire: string | null
  readonly loopback: string | null
  /** Forwarded flows whose translated source port may happen to be the service's: their answers come to its port. */
  readonly sharedPort: string | null
}

export function translationsOf(question: Question, live: readonly LiveRules[], service: Service): Translations {
  const { family } = question.space
  const wire = request(family, service, 'wire')
  const own: Packet = { ...reply(family, service, 'wire'), direction: 'original' }
  const lo = request(family, service, 'lo')
  const first = (asked: readonly (readonly [Chain, Packet])[]) =>
    asked.map(([chain, packet]) => translator(question, live, chain, packet)).find((site) => site !== null) ?? null
  return {
    wire: first([
      ['PREROUTING', wire],
      ['INPUT', wire],
      ...(service.protocol === 'udp'
        ? ([
            ['OUTPUT', own],
            ['POSTROUTING', own],
          ] as const)
        : []),
    ]),
    loopback: first([
      ['OUTPUT', overLoopback(lo)],
      ['POSTROUTING', overLoopback(lo)],
      ['INPUT', lo],
    ]),
    sharedPort: first([['POSTROUTING', forwardedFrom(own)]]),
  }
}

type Chain = 'PREROUTING' | 'INPUT' | 'OUTPUT' | 'POSTROUTING'

function translator(question: Question, live: readonly LiveRules[], chain: Chain, packet: Packet): string | null {
  const base: BaseChain = { table: 'nat', chain, sees: chain === 'PREROUTING' || chain === 'INPUT' ? 'in' : 'out' }
  for (const { rules } of live) {
    const where = translatedWhere(question, rules, base, packet)
    const touched = [...question.decisions.valuesOf(where)].find((value) => kindOf(value) !== 'no')
    if (touched !== undefined) return touched.slice(touched.indexOf('|') + 1)
  }
  return null
}

function forwardedFrom(own: Packet): Packet {
  return { ...own, path: 'forward', in: { any: 'in' }, local: { source: false, destination: false }, kind: 'forwarded' }
}
