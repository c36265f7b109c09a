import { type Difference, differences, lossIn, type Passing } from './compare.ts'
import { withPlaced } from './edits.ts'
import { questionFor } from './evaluate.ts'
import { findTwins, MOST_TWINS } from './find-twins.ts'
import { metersOf, passagesOf, untrackedThroughout } from './flow.ts'
import { firstFromPort } from './forward-flow.ts'
import { forwardObstacle, restoredMark } from './forward-obstacle.ts'
import { helperOf, settledBefore } from './helpers.ts'
import type { IcmpPath } from './icmp-patch.ts'
import { likenessesOf } from './likeness.ts'
import { and, not, or, yes } from './logic.ts'
import { forwardTranslations, redirectedFromPort, translationsOf } from './nat.ts'
import { forwardedReply, forwardedRequest, NOT_OPENING, overLoopback, reply, request, type Service } from './packet.ts'
import { isAnswered, type Passage } from './passage.ts'
import type { Question } from './question.ts'
import { type Loopback, type RawRule, type RawTarget, rawPlaced, rawRulesFor } from './raw-rules.ts'
import { ICMP_REFUSALS } from './refusals.ts'
import { type Refused, refused, sentence } from './refused.ts'
import type { Backend, Family, LiveRules } from './rules.ts'
import { rulesWithEffects } from './side-effects.ts'
import type { Twin } from './twins.ts'
import type { Work } from './work.ts'

/** What one service of one family needs to go untracked with no change to what passes. */
export type ServicePatch =
  | {
      readonly safe: true
      readonly raw: readonly RawRule[]
      readonly twins: readonly Twin[]
      /** Where errors about its packets were RELATED, and will be INVALID. */
      readonly errors: readonly IcmpPath[]
      readonly notes: readonly string[]
    }
  | Refused

export function servicePatch(
  live: readonly LiveRules[],
  service: Service,
  put: {
    readonly family: Family
    readonly backend: Backend
    readonly budget: number
    readonly work: Work
    readonly target: RawTarget
    readonly helperModules: readonly string[]
    readonly addresses: readonly string[] | null
  },
): ServicePatch {
  // Twins of forwarded answers ask for flags that no rule may ask for yet.
  const coming = service.forwarded ? [twinsFlags(put.family)] : []
  const question = questionFor(put.family, [...live, ...coming], { ...put, ports: [service.port] })
  const name = nameOf(service)
  const helper = helperOf(question, live, service, put.helperModules)
  if (helper !== null) return refused(`${name}: its helper needs to see its packets (${helper.name})`, helper.rule)
  const settled = settledBefore(question, live, service)
  if (settled !== null) return refused(`${name}: another rule settles its tracking before ours could`, settled)
  if (service.forwarded) return forwardedPatch(question, live, service, put)
  const translations = translationsOf(question, live, { service, addresses: put.addresses })
  if (translations.wire !== null) {
    return refused(`${name}: its packets may be translated, and untracked packets never are`, translations.wire)
  }
  const { sharedPort } = translations
  if (sharedPort !== null && (service.protocol === 'udp' || mayTake(sharedPort, service.port))) {
    const why = `${name}: a forwarded flow may be translated to that very source port, and its answers would be lost`
    return refused(why, sharedPort)
  }
  const obstacle = restoredMark(question, live, service)
  if (obstacle !== null) return refused(`${name}: ${obstacle.why}`, obstacle.rule)
  const before = standing(question, live, service, effectsOn(question, live, service))
  const unclear = differences(question, before, before)[0]
  if (unclear !== undefined) return refused(sentence(name, unclear), unclear.rule)

  let first: Refused | undefined
  for (const loopback of loopbackChoices(question, live, service, put, translations.loopback)) {
    const raw = rawRulesFor(question, live, service, { ...put, loopback })
    const placed = raw.map((rule) => rawPlaced(rule, [`${service.port}`], 'ctfleet'))
    const judge = (twinned: readonly LiveRules[]) => {
      const after = twinned.map((each) => withPlaced(each, placed))
      return differences(question, before, standing(question, after, service))
    }
    const resets = question.refusals.has('reset')
    const found = findTwins(question, live, likenessesOf(put.family, service, { loopback, resets }), {
      ports: [`${service.port}`],
      changes: (twinned) => judge(twinned).filter((each) => !isOfIcmp(each)),
    })
    if ('twins' in found) {
      return {
        safe: true,
        raw,
        twins: found.twins,
        errors: [
          ...(raw.length > 0 && losesRelated(question, live, service, before.passages) ? (['in', 'out'] as const) : []),
          ...(judge(live).some(isOfIcmp) ? (['refusals'] as const) : []),
        ],
        notes: notesFor(name, service, { before: before.passages, question, loopback, raw, translations }),
      }
    }
    first ??= refusedFor(name, found)
  }
  return first ?? refused(`${name}: no way was found`, null)
}

function forwardedPatch(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  put: {
    readonly family: Family
    readonly backend: Backend
    readonly target: RawTarget
    readonly addresses: readonly string[] | null
  },
): ServicePatch {
  const name = nameOf(service)
  const translations = forwardTranslations(question, live, service)
  if (translations.flow !== null) {
    return refused(`${name}: its packets may be translated, and untracked packets never are`, translations.flow)
  }
  const past = `${name}: what others send from that port may be translated, and would no longer be`
  if (service.protocol === 'udp' && translations.fromPort !== null) return refused(past, translations.fromPort)
  const raw = rawRulesFor(question, live, service, { ...put, loopback: 'tracked' })
  const obstacle = raw.length === 0 ? null : forwardObstacle(question, live, service)
  if (obstacle !== null) return refused(`${name}: ${obstacle.why}`, obstacle.rule)
  const before = standing(question, live, service, effectsOn(question, live, service))
  const unclear = differences(question, before, before)[0]
  if (unclear !== undefined) return refused(sentence(name, unclear), unclear.rule)

  const placed = raw.map((rule) => rawPlaced(rule, [`${service.port}`], 'ctfleet'))
  const after = (twinned: readonly LiveRules[]) =>
    standing(
      question,
      twinned.map((each) => withPlaced(each, placed)),
      service,
    )
  let last = before
  const resets = question.refusals.has('reset')
  const found = findTwins(question, live, likenessesOf(put.family, service, { loopback: 'tracked', resets }), {
    ports: [`${service.port}`],
    changes: (twinned) => {
      const now = after(twinned)
      const changed = differences(question, before, now).filter((each) => !isOfIcmp(each))
      if (changed.length === 0) last = now
      return changed
    },
  })
  if ('difference' in found) return refusedFor(name, found)
  // Who takes that port for its own must not come past a redirection.
  const passing = last.passages.find((each) => each.name === firstFromPort(service))?.passes ?? yes(question.decisions)
  const redirected = redirectedFromPort(question, live, service, { passes: passing, addresses: put.addresses })
  if (raw.length > 0 && redirected !== null) return refused(past, redirected)
  const loss = translations.fromPort ?? lossIn(question, before, last)?.rule ?? null
  return {
    safe: true,
    raw,
    twins: found.twins,
    // This host reports errors of its own about what it forwards.
    errors: [
      ...(raw.length > 0 && losesRelated(question, live, service, before.passages)
        ? (['out', 'forward'] as const)
        : []),
      ...(differences(question, before, after(live)).some(isOfIcmp) ? (['refusals'] as const) : []),
    ],
    notes: [
      ...(isOpen(question, before.passages) ? [] : [`${name}: no connection passes these rules, before and after`]),
      ...(loss !== null && service.port >= FIRST_UNPRIVILEGED
        ? [`${name}: a connection for which a client takes port ${service.port} as its own may fail: ${loss}`]
        : []),
    ],
  }
}

/**
 * Whether a rule may translate to this source port by chance: one in its range; above 1024 where it says random (nf_nat_core.c
 * keeps privileged ports among themselves); else one that clients take themselves (net.ipv4.ip_local_port_range).
 */
function mayTake(rule: string, port: number): boolean {
  const [, first, last] = /(?:--to-ports |\bto :)(\d+)(?:-(\d+))?\b/.exec(rule) ?? []
  if (first !== undefined) return Number(first) <= port && port <= Number(last ?? first)
  return port >= (/\brandom|fully-random/.test(rule) ? 1024 : 32_768)
}

/** A client takes such a port only on purpose. */
const FIRST_UNPRIVILEGED = 1024

/** Whether a finished patch leaves everything that passes for a service as it was, judged by the rules it results in. */
export function unchangedFor(
  live: readonly LiveRules[],
  after: readonly LiveRules[],
  service: Service,
  put: { readonly family: Family; readonly budget: number; readonly work: Work },
): Refused | null {
  const question = questionFor(put.family, [...live, ...after], { ...put, ports: [service.port] })
  const before = standing(question, live, service, effectsOn(question, live, service))
  const changes = differences(question, before, standing(question, after, service))
  const name = nameOf(service)
  if (changes[0] !== undefined) return refused(sentence(name, changes[0]), changes[0].rule)
  const untracked = untrackedThroughout(question, after, service, 'wire')
  const all = yes(question.decisions)
  return untracked.in === all && untracked.out === all
    ? null
    : refused(`${name}: would not be untracked throughout`, null)
}

function standing(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  effects: readonly string[] = [],
): Passing {
  return {
    passages: passagesOf(question, live, service),
    meters: (site) => metersOf(question, live, service, site),
    effects,
  }
}

/** What a service's packets may meet besides verdicts; untracked ones must meet the same. */
function effectsOn(question: Question, live: readonly LiveRules[], service: Service): readonly string[] {
  const { family } = question.space
  if (service.forwarded) {
    return rulesWithEffects(question, live, [forwardedRequest(family, service), forwardedReply(family, service)])
  }
  const [asked, answered] = [request(family, service, 'lo'), reply(family, service, 'lo')]
  const wire = [request(family, service, 'wire'), reply(family, service, 'wire')]
  return rulesWithEffects(question, live, [...wire, asked, answered, overLoopback(asked), overLoopback(answered)])
}

function nameOf({ protocol, port, forwarded }: Service): string {
  return `${protocol} port ${port}${forwarded ? ' of other hosts' : ''}`
}

/** A rule set that makes a question tell these flags apart. */
function twinsFlags(family: Family): LiveRules {
  const rule = { spec: '', matches: [NOT_OPENING], target: null }
  const chains = [{ name: 'flags', policy: null, rules: [rule] }]
  return { backend: 'legacy', rules: { family, tables: [{ name: 'flags', chains }] } }
}

function isOpen({ decisions }: Question, passages: readonly Passage[]): boolean {
  return decisions.valuesOf(passages[0]?.passes ?? yes(decisions)).has('yes')
}

function loopbackChoices(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  put: { readonly backend: Backend; readonly target: RawTarget },
  translated: string | null,
): readonly Loopback[] {
  const settled = rawRulesFor(question, live, service, { ...put, loopback: 'tracked' }).length === 0
  return translated !== null || settled ? ['tracked'] : ['untracked', 'tracked']
}

function refusedFor(
  name: string,
  found: { readonly difference: Difference; readonly tooMany: number | null },
): Refused {
  const { difference, tooMany } = found
  const why =
    `${name}: ${tooMany} rules depend on a state here, each would need one of ours beside it, and ${MOST_TWINS} are the most ` +
    'that are made; rules that do not ask for a state need none'
  return refused(tooMany === null ? sentence(name, difference) : why, difference.rule)
}

function isOfIcmp({ passage }: Difference): boolean {
  return passage.startsWith(ICMP_REFUSALS)
}

function losesRelated(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  before: readonly Passage[],
): boolean {
  const { decisions } = question
  const untracked = untrackedThroughout(question, live, service, 'wire')
  const tracked = not(decisions, and(decisions, untracked.in, untracked.out))
  const flows = or(decisions, ...before.filter(isAnswered).map((each) => each.passes))
  return decisions.witness(and(decisions, tracked, flows), (value) => value === 'yes') !== null
}

function notesFor(
  name: string,
  service: Service,
  found: {
    readonly before: readonly Passage[]
    readonly question: Question
    readonly loopback: Loopback
    readonly raw: readonly RawRule[]
    readonly translations: { readonly loopback: string | null; readonly sharedPort: string | null }
  },
): readonly string[] {
  return [
    ...(isOpen(found.question, found.before)
      ? []
      : [`${name}: no connection from outside passes these rules, before and after`]),
    ...(found.loopback === 'tracked' && found.raw.length > 0
      ? [`${name}: the host's own connections to it over lo stay tracked`]
      : []),
    ...(found.translations.sharedPort !== null && service.port >= 1024
      ? [`${name}: a forwarded connection that keeps source port ${service.port} through NAT would lose its answers`]
      : []),
  ]
}
