import { natBasesOn, seenBy } from './bases.ts'
import { decidedIn } from './decider.ts'
import { translatedWhere } from './evaluate.ts'
import { overLoopback, type Packet, reply, request, type Service } from './packet.ts'
import type { Question } from './question.ts'
import type { Hook, LiveRules } from './rules.ts'

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
  const first = (asked: readonly (readonly [Hook['at'], Packet])[]) =>
    asked.map(([chain, packet]) => translator(question, live, chain, packet)).find((site) => site !== null) ?? null
  return {
    wire: first([
      ['prerouting', wire],
      ['input', wire],
      ...(service.protocol === 'udp'
        ? ([
            ['output', own],
            ['postrouting', own],
          ] as const)
        : []),
    ]),
    loopback: first([
      ['output', overLoopback(lo)],
      ['postrouting', overLoopback(lo)],
      ['input', lo],
    ]),
    sharedPort: first([['postrouting', forwardedFrom(own)]]),
  }
}

function translator(question: Question, live: readonly LiveRules[], at: Hook['at'], packet: Packet): string | null {
  for (const each of live) {
    for (const base of natBasesOn(each, at)) {
      const where = translatedWhere(question, each.rules, base, packet)
      const touched = question.decisions.witness(where, (value) => value !== 'no')
      if (touched === null) continue
      return decidedIn(question, each.rules, base, { packet: seenBy(packet, base), assignment: touched }).site
    }
  }
  return null
}

function forwardedFrom(own: Packet): Packet {
  return { ...own, path: 'forward', in: { any: 'in' }, local: { source: false, destination: false }, kind: 'forwarded' }
}
