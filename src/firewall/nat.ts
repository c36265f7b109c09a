import { natBasesOn, seenBy } from './bases.ts'
import { decidedIn } from './decider.ts'
import type { Node } from './decision.ts'
import { translatedWhere, untrackedWhere } from './evaluate.ts'
import { addressIn } from './header-tests.ts'
import { and, not, yes } from './logic.ts'
import {
  anyPacket,
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
import { type Family, type Hook, type LiveRules, siteOf, type Target } from './rules.ts'
import { addressRanges } from './space.ts'

/** Which rule may translate a service's packets over the wire, which its packets over loopback, and which may by chance. */
export type Translations = {
  readonly wire: string | null
  readonly loopback: string | null
  /** Forwarded flows whose translated source port may happen to be the service's: their answers come to its port. */
  readonly sharedPort: string | null
}

/** @param addresses the host's own; null where they are not known, so that any might be. */
export function translationsOf(
  question: Question,
  live: readonly LiveRules[],
  { service, addresses }: { readonly service: Service; readonly addresses: readonly string[] | null },
): Translations {
  const { family } = question.space
  const wire = request(family, service, 'wire')
  const own: Packet = { ...reply(family, service, 'wire'), direction: 'original' }
  const lo = request(family, service, 'lo')
  const first = (asked: readonly (readonly [Hook['at'], Packet])[]) =>
    asked.map(([chain, packet]) => translator(question, live, chain, packet)).find((site) => site !== null) ?? null
  // Where only requests are untracked, or only replies, a reply of TCP may begin a connection as well.
  const begins = service.protocol === 'udp' || isHalfTracked(question, live, wire, own)
  const here = { port: service.port, isOwn: ownAmong(addresses, family) }
  const from = (path: 'in' | 'out'): Packet => ({
    ...anyPacket(family, path),
    protocol: { is: service.protocol },
    state: { is: 'NEW' },
  })
  return {
    wire:
      first([
        ['prerouting', wire],
        ['input', wire],
        ...(begins
          ? ([
              ['output', own],
              ['postrouting', own],
            ] as const)
          : []),
      ]) ?? leadingTo(question, live, { at: 'prerouting', packet: from('in'), ...here }),
    loopback:
      first([
        ['output', overLoopback(lo)],
        ['postrouting', overLoopback(lo)],
        ['input', lo],
      ]) ?? leadingTo(question, live, { at: 'output', packet: from('out'), ...here }),
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
    flow:
      first([passing, toHost]) ??
      leadingTo(question, live, { at: 'prerouting', packet: toAnywhere(passing), port: service.port, isOwn: null }),
    fromPort: first([forwardedFromPort(family, service).request]),
  }
}

/**
 * The rule before routing that may send elsewhere what comes from the service's port and, untranslated, would pass to another
 * host; null where none is.
 */
export function redirectedFromPort(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  { passes, addresses }: { readonly passes: Node; readonly addresses: readonly string[] | null },
): string | null {
  const { decisions, space } = question
  const packet = forwardedFromPort(space.family, service).request
  if (translator(question, live, 'prerouting', packet, passes) === null) return null
  const own = (addresses ?? publishedIn(live)).filter((each) => addressRanges(each, space.family) !== null)
  const elsewhere = own.map((each) => not(decisions, addressIn(question, 'server', each)))
  return translator(question, live, 'prerouting', packet, and(decisions, passes, ...elsewhere))
}

/** Where the host's own addresses are not known, a single one whose packets are sent elsewhere is taken for one. */
function publishedIn(live: readonly LiveRules[]): readonly string[] {
  const rules = live.flatMap((each) =>
    natBasesOn(each, 'prerouting').flatMap(({ table }) =>
      each.rules.tables.filter(({ name }) => name === table).flatMap(({ chains }) => chains.flatMap((of) => of.rules)),
    ),
  )
  return rules.flatMap(({ matches }) =>
    matches
      .filter(({ name }) => name === 'destination')
      .flatMap(({ tests }) => tests.flatMap(({ negated, values }) => (negated ? [] : values)))
      .filter((each) => !each.includes('/') || /\/(32|128)$/.test(each)),
  )
}

/** The rule that may send what goes to another port to the service's, at an address that it may be asked at. */
function leadingTo(question: Question, live: readonly LiveRules[], to: Leading): string | null {
  const packet: Packet = { ...to.packet, flags: null }
  for (const each of live) {
    for (const base of natBasesOn(each, to.at)) {
      const { met } = rulesMet(question, each.rules, base, seenBy(packet, base), true)
      const found = met.find(({ rule }) => rule.target !== null && mayTurnTo(rule.target, to))
      if (found !== undefined) return siteOf(base.table, found.chain, found.rule)
    }
  }
  return null
}

type Leading = {
  readonly at: 'prerouting' | 'output'
  readonly packet: Packet
  readonly port: number
  /** Null where only flows to other hosts are asked about. */
  readonly isOwn: ((address: string) => boolean) | null
}

/** `10.0.0.2:443`, `[fd00::2]:440-450`, and nft's words for the same; what a map answers may be any port. */
function mayTurnTo({ name, options, text }: Target, { port, isOwn }: Leading): boolean {
  const redirects = name === 'REDIRECT' || name === 'redirect'
  if (redirects ? isOwn === null : name !== 'DNAT' && name !== 'dnat') return false
  const words = text ?? options.flatMap(({ values }) => values).join(' ')
  if (/\b(?:map|numgen|jhash|symhash)\b|@/.test(words)) return true
  const ports = redirects && text === undefined ? /(?:^|\s)(\d+)(?:-(\d+))?(?=$|\s)/ : PORTS_AFTER
  const [, first, last] = ports.exec(words) ?? []
  if (first === undefined || Number(first) > port || port > Number(last ?? first)) return false
  if (redirects || isOwn === null) return true
  const [, bracketed, plain] = /\[([0-9a-f:.]+)\]:|(?:^|\s)([0-9.]+):/i.exec(words) ?? []
  const address = bracketed ?? plain
  return address === undefined || isOwn(address)
}

const PORTS_AFTER = /(?:^|[\s\].]\d{0,3}):(\d+)(?:-(\d+))?(?=$|[\s/])/

function ownAmong(addresses: readonly string[] | null, family: Family): (address: string) => boolean {
  if (addresses === null) return () => true
  const numbers = new Set(addresses.flatMap((each) => addressRanges(each, family)?.map(([first]) => first) ?? []))
  const loopback = addressRanges(family === 'ip' ? '127.0.0.0/8' : '::1/128', family)?.[0]
  return (address) => {
    const number = addressRanges(address, family)?.[0]?.[0]
    if (number === undefined || loopback === undefined) return true
    return numbers.has(number) || (loopback[0] <= number && number <= loopback[1])
  }
}

function isHalfTracked(question: Question, live: readonly LiveRules[], there: Packet, back: Packet): boolean {
  return untrackedWhere(question, live, there) !== untrackedWhere(question, live, back)
}

function translator(
  question: Question,
  live: readonly LiveRules[],
  at: Hook['at'],
  packet: Packet,
  among: Node = yes(question.decisions),
): string | null {
  for (const each of live) {
    for (const base of natBasesOn(each, at)) {
      const where = and(question.decisions, among, translatedWhere(question, each.rules, base, packet))
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
