import { type Difference, differences, lossIn, type Standing } from './compare.ts'
import { decidedBy } from './decider.ts'
import { withPlaced } from './edits.ts'
import { fate, passes, questionFor } from './evaluate.ts'
import { findTwins } from './find-twins.ts'
import { fromLoopbackAddress, metersOf, passagesOf, untrackedThroughout } from './flow.ts'
import { forwardObstacle } from './forward-obstacle.ts'
import { helperOf } from './helpers.ts'
import { ICMP_ERRORS } from './icmp.ts'
import { icmpLikeness, likenessesOf } from './likeness.ts'
import { and, not, or, yes } from './logic.ts'
import { forwardTranslations, translationsOf } from './nat.ts'
import { NOT_OPENING, type Service } from './packet.ts'
import type { Passage } from './passage.ts'
import type { Question } from './question.ts'
import { type Loopback, type RawRule, type RawTarget, rawPlaced, rawRulesFor } from './raw-rules.ts'
import { type Backend, type Family, type LiveRules, siteOf } from './rules.ts'
import type { Twin } from './twins.ts'

/** What one service of one family needs to go untracked with no change to what passes. */
export type ServicePatch =
  | {
      readonly safe: true
      readonly raw: readonly RawRule[]
      readonly twins: readonly Twin[]
      /** Tracked connections passed before: errors about them were RELATED, and will be INVALID. */
      readonly losesRelated: boolean
      readonly notes: readonly string[]
    }
  | Refused

export type IcmpPath = 'in' | 'out' | 'forward'

const GOING: Readonly<Record<IcmpPath, string>> = { in: 'coming in', out: 'going out', forward: 'passing through' }

export type Refused = { readonly safe: false; readonly why: string; readonly rule: string | null }

export function servicePatch(
  live: readonly LiveRules[],
  service: Service,
  put: {
    readonly family: Family
    readonly backend: Backend
    readonly budget: number
    readonly target: RawTarget
    readonly helperModules: readonly string[]
  },
): ServicePatch {
  // Twins of forwarded answers ask for flags that no rule may ask for yet.
  const coming = service.forwarded ? [twinsFlags(put.family)] : []
  const question = questionFor(put.family, [...live, ...coming], { ports: [service.port], budget: put.budget })
  const name = nameOf(service)
  const helper = helperOf(question, live, service, put.helperModules)
  if (helper !== null) return refused(`${name}: its helper needs to see its packets (${helper.name})`, helper.rule)
  if (service.forwarded) return forwardedPatch(question, live, service, put)
  const translations = translationsOf(question, live, service)
  if (translations.wire !== null) {
    return refused(`${name}: its packets may be translated, and untracked packets never are`, translations.wire)
  }
  if (service.protocol === 'udp' && translations.sharedPort !== null) {
    const why = `${name}: a forwarded flow may be translated to that very source port, and its answers would be lost`
    return refused(why, translations.sharedPort)
  }
  const before = standing(question, live, service)
  const unclear = differences(question, before, before)[0]
  if (unclear !== undefined) return refused(sentence(name, unclear), unclear.rule)

  let first: Refused | undefined
  for (const loopback of loopbackChoices(question, live, service, put, translations.loopback)) {
    const raw = rawRulesFor(question, live, service, { ...put, loopback })
    const placed = raw.map((rule) => rawPlaced(rule, [`${service.port}`], 'ctfleet'))
    const found = findTwins(question, live, likenessesOf(put.family, service, loopback), {
      ports: [`${service.port}`],
      changes: (twinned) => {
        const after = twinned.map((each) => withPlaced(each, placed))
        return differences(question, before, standing(question, after, service))
      },
    })
    if ('twins' in found) {
      return {
        safe: true,
        raw,
        twins: found.twins,
        losesRelated: raw.length > 0 && losesRelated(question, live, service, before.passages),
        notes: notesFor(name, service, { before: before.passages, question, loopback, raw, translations }),
      }
    }
    first ??= refused(sentence(name, found.difference), found.difference.rule)
  }
  return first ?? refused(`${name}: no way was found`, null)
}

function forwardedPatch(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  put: { readonly family: Family; readonly backend: Backend; readonly target: RawTarget },
): ServicePatch {
  const name = nameOf(service)
  const translations = forwardTranslations(question, live, service)
  if (translations.flow !== null) {
    return refused(`${name}: its packets may be translated, and untracked packets never are`, translations.flow)
  }
  if (service.protocol === 'udp' && translations.fromPort !== null) {
    return refused(`${name}: what others send from that port may be translated, and would no longer be`, translations.fromPort)
  }
  const raw = rawRulesFor(question, live, service, { ...put, loopback: 'tracked' })
  const obstacle = raw.length === 0 ? null : forwardObstacle(question, live, service)
  if (obstacle !== null) return refused(`${name}: ${obstacle.why}`, obstacle.rule)
  const before = standing(question, live, service)
  const unclear = differences(question, before, before)[0]
  if (unclear !== undefined) return refused(sentence(name, unclear), unclear.rule)

  const placed = raw.map((rule) => rawPlaced(rule, [`${service.port}`], 'ctfleet'))
  let last = before
  const found = findTwins(question, live, likenessesOf(put.family, service, 'tracked'), {
    ports: [`${service.port}`],
    changes: (twinned) => {
      const after = twinned.map((each) => withPlaced(each, placed))
      const now = standing(question, after, service)
      const changed = differences(question, before, now)
      if (changed.length === 0) last = now
      return changed
    },
  })
  if ('difference' in found) return refused(sentence(name, found.difference), found.difference.rule)
  const loss = translations.fromPort ?? lossIn(question, before, last)?.rule ?? null
  return {
    safe: true,
    raw,
    twins: found.twins,
    losesRelated: raw.length > 0 && losesRelated(question, live, service, before.passages),
    notes: [
      ...(isOpen(question, before.passages) ? [] : [`${name}: no connection passes these rules, before and after`]),
      ...(loss !== null && service.port >= FIRST_UNPRIVILEGED
        ? [`${name}: a connection for which a client takes port ${service.port} as its own may fail: ${loss}`]
        : []),
    ],
  }
}

/** A client takes such a port only on purpose. */
const FIRST_UNPRIVILEGED = 1024

/** Twins for the ICMP errors that path MTU discovery and quick failures need, or why they cannot be had. */
export function icmpPatch(
  live: readonly LiveRules[],
  put: { readonly family: Family; readonly budget: number },
  paths: readonly IcmpPath[],
): { readonly safe: true; readonly twins: readonly Twin[] } | Refused {
  const question = questionFor(put.family, live, { ports: [], budget: put.budget })
  const twins: Twin[] = []
  for (const path of paths) {
    for (const type of ICMP_ERRORS[put.family]) {
      const likeness = icmpLikeness(put.family, type, path)
      const name = `ICMP errors (type ${type}) about untracked connections, ${GOING[path]}`
      const related = fate(question, live, likeness.like)
      const passage = (rules: readonly LiveRules[], alsoRelated: boolean): Passage => {
        const invalid = likeness.become.map((packet) => fate(question, rules, packet))
        const parts = [...invalid, ...(alsoRelated ? [related] : [])].map((each) => passes(question, each))
        const passing = and(
          question.decisions,
          not(question.decisions, fromLoopbackAddress(question)),
          or(question.decisions, ...parts),
        )
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

/** Whether a finished patch leaves everything that passes for a service as it was, judged by the rules it results in. */
export function unchangedFor(
  live: readonly LiveRules[],
  after: readonly LiveRules[],
  service: Service,
  put: { readonly family: Family; readonly budget: number },
): Refused | null {
  const question = questionFor(put.family, [...live, ...after], { ports: [service.port], budget: put.budget })
  const changes = differences(question, standing(question, live, service), standing(question, after, service))
  const name = nameOf(service)
  if (changes[0] !== undefined) return refused(sentence(name, changes[0]), changes[0].rule)
  const untracked = untrackedThroughout(question, after, service, 'wire')
  const all = yes(question.decisions)
  return untracked.in === all && untracked.out === all
    ? null
    : refused(`${name}: would not be untracked throughout`, null)
}

export function refused(why: string, rule: string | null): Refused {
  return { safe: false, why, rule }
}

function standing(question: Question, live: readonly LiveRules[], service: Service): Standing {
  const sharing = live.flatMap(({ rules }) =>
    rules.tables.flatMap((table) =>
      table.chains.flatMap((chain) =>
        chain.rules
          .filter(({ matches }) => matches.some(({ name }) => name === 'recent' || name === 'hashlimit'))
          .map((rule) => siteOf(table.name, chain.name, rule)),
      ),
    ),
  )
  return {
    passages: passagesOf(question, live, service),
    meters: (site) => metersOf(question, live, service, site),
    sharing,
  }
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

function alone(passage: Passage): Standing {
  return { passages: [passage], meters: () => [null], sharing: [] }
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

function losesRelated(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  before: readonly Passage[],
): boolean {
  const { decisions } = question
  const untracked = untrackedThroughout(question, live, service, 'wire')
  const tracked = and(decisions, before[0]?.passes ?? yes(decisions), not(decisions, untracked.in))
  return decisions.witness(tracked, (value) => value === 'yes') !== null
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
    ...(isOpen(found.question, found.before) ? [] : [`${name}: no connection from outside passes these rules, before and after`]),
    ...(found.loopback === 'tracked' && found.raw.length > 0
      ? [`${name}: the host's own connections to it over lo stay tracked`]
      : []),
    ...(found.translations.sharedPort !== null && service.port >= 1024
      ? [`${name}: a forwarded connection that keeps source port ${service.port} through NAT would lose its answers`]
      : []),
  ]
}

function sentence(name: string | null, { kind, passage }: Difference): string {
  const of = name === null ? '' : `${name}: `
  switch (kind) {
    case 'breaks':
      return `${of}${passage} that pass now would be dropped`
    case 'opens':
      return `${of}${passage} that are dropped now would pass`
    case 'unsure':
      return `${of}${passage} pass or not by a rule whose answer cannot be foretold`
  }
}
