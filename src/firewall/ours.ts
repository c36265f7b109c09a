import type { Rule } from './rules.ts'
import { effectOf } from './targets.ts'

/** The comment by which a rule is ours, where it is one of the kinds that we write; null for any other, whatever it says. */
export function ownKey({ spec, matches, target }: Rule): string | null {
  const [, key] = IPTABLES.exec(spec) ?? NFT.exec(spec) ?? []
  if (key === undefined || target === null) return null
  const untracks = effectOf(target.name, target.options) === 'no-track'
  const forUntracked = matches.some(({ tests }) =>
    tests.some(
      ({ option, negated, values }) =>
        (option === 'ctstate' || option === 'state') && !negated && TWIN_STATES.has((values[0] ?? '').toUpperCase()),
    ),
  )
  return untracks || forUntracked ? key : null
}

const IPTABLES = /(?:^| )--comment "?(ctfleet:notrack:[0-9a-f]{10}(?:-\d+)?)"?(?= |$)/
const NFT = / comment "(ctfleet:notrack:[0-9a-f]{10}(?:-\d+)?)"$/
const TWIN_STATES: ReadonlySet<string> = new Set(['UNTRACKED', 'INVALID'])
