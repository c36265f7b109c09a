import { natBasesOn, seenBy } from './bases.ts'
import { decidedIn } from './decider.ts'
import { translatedWhere } from './evaluate.ts'
import {
  forwardedFromPort,
  forwardedRequest,
  overLoopback,
  type Packet,
  reply,
  request,
  type Service,
  toAnywhere,
} from './packet.ts'
import type { Question } from './question.ts'
import { rulesMet } from './reach.ts'
import { type Hook, type LiveRules, siteOf, type Target } from './rules.ts'

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

/** The same for flows that the host forwards: the rule that may translate them, or those whose source port is the service's. */
export function forwardTranslations(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
): { readonly flow: string | null; readonly fromPort: string | null } {
  const { family } = question.space
  const first = (asked: readonly Packet[]) =>
    asked
      .flatMap((packet) => [
        translator(question, live, 'prerouting', packet),
        translator(question, live, 'postrouting', packet),
      ])
      .find((site) => site !== null) ?? null
  const passing = forwardedRequest(family, service)
  // An answer to what was sent to this host and translated comes from the service's port as well.
  const toHost: Packet = { ...passing, local: { source: false, destination: null } }
  return {
    flow: first([passing, toHost]) ?? leadingTo(question, live, service),
    fromPort: first([forwardedFromPort(family, service).request]),
  }
}

/** The rule that may send what comes to another port to the service's. */
function leadingTo(question: Question, live: readonly LiveRules[], service: Service): string | null {
  const packet: Packet = { ...toAnywhere(forwardedRequest(question.space.family, service)), flags: null }
  for (const each of live) {
    for (const base of natBasesOn(each, 'prerouting')) {
      const { met } = rulesMet(question, each.rules, base, seenBy(packet, base), true)
      const found = met.find(({ rule }) => rule.target !== null && mayTurnTo(rule.target, service.port))
      if (found !== undefined) return siteOf(base.table, found.chain, found.rule)
    }
  }
  return null
}

/** `10.0.0.2:443`, `[fd00::2]:440-450`, and nft's words for the same; what a map answers may be any port. */
function mayTurnTo({ name, options, text }: Target, port: number): boolean {
  if (name !== 'DNAT' && name !== 'dnat') return false
  const words = text ?? options.flatMap(({ values }) => values).join(' ')
  if (/\b(?:map|numgen|jhash|symhash)\b|@/.test(words)) return true
  const [, first, last] = /(?:^|[\s\].]\d{0,3}):(\d+)(?:-(\d+))?(?=$|[\s/])/.exec(words) ?? []
  return first !== undefined && Number(first) <= port && port <= Number(last ?? first)
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
