import { standingKeys } from '../firewall/standing.ts'
import type { Facts } from '../model/facts.ts'
import type { IndicativeChange, IndicativePlan } from '../model/indicative.ts'
import { known, mapReading, type Reading, unknown } from '../model/reading.ts'
import type { Step } from '../steps/step-kind.ts'
import { liveRules } from '../strategies/live-rules.ts'
import { asProbed } from './as-probed.ts'

/**
 * What a plan for these steps would most likely show, from facts alone. Each step kind says itself what it would change,
 * from what its probe would have printed; where facts do not tell that, the change is named without its before.
 * @returns why the steps cannot be made, where the facts show that they cannot
 */
export function indicativePlan(
  judged: Pick<IndicativePlan, 'strategy' | 'considered' | 'findings' | 'notes'>,
  steps: readonly Step[],
  facts: Facts,
): Reading<IndicativePlan> {
  const changesRules = steps.some(({ kind }) => kind === 'firewall')
  const seen = { facts, standing: changesRules ? mapReading(liveRules(facts), standingKeys) : known(NONE) }
  // Entries come and go: a flush has something to do once the rules before it change.
  const moves = steps.some((step) => {
    const foretold = foretell(step, seen, false)
    return !step.volatile && foretold.known && foretold.value !== 'at its goal'
  })
  const changes: IndicativeChange[] = []
  const kept: string[] = []
  for (const step of steps) {
    const foretold = foretell(step, seen, moves && step.volatile)
    if (!foretold.known) return unknown(`${step.title}: ${foretold.why}`)
    if (foretold.value === 'at its goal') kept.push(step.title)
    else changes.push(foretold.value)
  }
  return known({ appliable: false, ...judged, changes, kept })
}

const NONE: ReadonlySet<string> = new Set()

type Seen = { readonly facts: Facts; readonly standing: Reading<ReadonlySet<string>> }

function foretell(step: Step, { facts, standing }: Seen, always: boolean): Reading<IndicativeChange | 'at its goal'> {
  const { kind, title, phase } = step
  const probed = asProbed(step, facts, standing)
  if (!probed.known) return known({ kind, title, phase, before: probed, after: wanted(step, probed.why), notes: [] })
  const planned = step.plan(probed.value, always)
  if (!planned.known) return planned
  if (!planned.value.needed) return known('at its goal')
  const { shown, notes } = planned.value
  return known({ kind, title, phase, before: known(shown.before), after: known(shown.after), notes })
}

/** What a step wants, for the kinds where that does not hang on what is there now. */
function wanted(step: Step, why: string): Reading<readonly string[]> {
  const { kind, want } = step
  if (kind === 'flush-entries') {
    const planned = step.plan('some\n')
    return planned.known && planned.value.needed ? known(planned.value.shown.after) : unknown(why)
  }
  if (typeof want !== 'object' || want === null) return unknown(why)
  if ('content' in want && typeof want.content === 'string') return known(want.content.replace(/\n$/, '').split('\n'))
  if ('key' in want && 'value' in want && typeof want.key === 'string') {
    return known([`${want.key} = ${JSON.stringify(want.value)}`])
  }
  return unknown(why)
}
