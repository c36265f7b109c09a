import type { Placed } from './edits.ts'
import { untrackedThroughout } from './flow.ts'
import { yes } from './logic.ts'
import type { Service } from './packet.ts'
import type { Question } from './question.ts'
import type { Backend, LiveRules } from './rules.ts'

/** Whether the host's own connections to its service go untracked with the rest, or stay tracked. */
export type Loopback = 'untracked' | 'tracked'

/** How a rule says that it leaves packets untracked: kernels before 2.6.34 know NOTRACK alone, later ones CT. */
export type RawTarget = 'CT --notrack' | 'NOTRACK'

/** A NOTRACK rule that is still missing; ports of rules that are otherwise equal are put together later. */
export type RawRule = Omit<Placed, 'spec' | 'below'> & {
  readonly match: string
  readonly protocol: 'tcp' | 'udp'
  readonly side: 'dport' | 'sport'
  readonly tail: string
  readonly port: number
  readonly target: RawTarget
}

/** The rules that make a service untracked, without those whose work existing rules do already, in whatever spelling. */
export function rawRulesFor(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  put: { readonly backend: Backend; readonly loopback: Loopback; readonly target: RawTarget },
): readonly RawRule[] {
  const { decisions, space } = question
  const done = yes(decisions)
  const wire = untrackedThroughout(question, live, service, 'wire')
  const lo = untrackedThroughout(question, live, service, 'lo')
  const rule = (chain: string, side: 'dport' | 'sport', match: string, tail: string): RawRule => ({
    backend: put.backend,
    family: space.family,
    table: 'raw',
    chain,
    match,
    protocol: service.protocol,
    side,
    tail,
    port: service.port,
    target: put.target,
  })
  const [toUs, fromUs] = ['-m addrtype --dst-type LOCAL', '-m addrtype --src-type LOCAL']
  const wireIn = wire.in === done
  const wireOut = wire.out === done
  if (put.loopback === 'tracked') {
    return [
      ...(wireIn ? [] : [rule('PREROUTING', 'dport', '! -i lo', toUs)]),
      ...(wireOut ? [] : [rule('OUTPUT', 'sport', '! -o lo', fromUs)]),
    ]
  }
  const loIn = lo.in === done
  const loOut = lo.out === done
  return [
    ...(wireIn ? [] : [rule('PREROUTING', 'dport', '', toUs)]),
    ...(loIn && loOut ? [] : [rule('PREROUTING', 'sport', '-i lo', '')]),
    ...(wireOut && loOut ? [] : [rule('OUTPUT', 'sport', '', fromUs)]),
    ...(loIn ? [] : [rule('OUTPUT', 'dport', '-o lo', '')]),
  ]
}

export function rawSpec(rule: RawRule, ports: readonly string[], key: string): string {
  const only = ports.length === 1 && !ports[0]?.includes(':')
  const portWords = only
    ? `-m ${rule.protocol} --${rule.side} ${ports[0]}`
    : `-m multiport --${rule.side}s ${ports.join(',')}`
  const words = [
    rule.match,
    `-p ${rule.protocol}`,
    rule.tail,
    portWords,
    `-m comment --comment "${key}"`,
    `-j ${rule.target}`,
  ]
  return words.filter((each) => each !== '').join(' ')
}
