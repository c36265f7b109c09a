import { duration, grouped } from '../../diagnosis/numbers.ts'
import type { DropsGate, Gate, GateOutcome, Plan } from '../../model/plan.ts'

/** What is tested before a change is kept, a sentence each. */
export function gateTexts({ gates }: Plan): readonly string[] {
  return gates.map(gateText)
}

/** The same for two hosts but for rates that were measured there: the gates are alike. */
export function likenessOfGates({ gates }: Plan): readonly unknown[] {
  return gates.map(likenessOf)
}

function likenessOf(gate: Gate): unknown {
  switch (gate.gate) {
    case 'reads-back':
    case 'login':
    case 'ports':
      return gate
    case 'drops':
      return [gate.gate, forecastOf(gate)]
    case 'invalid':
      return [gate.gate]
  }
}

/** `held: login, reads-back; not held: ports`, or nothing where none was asked. */
export function outcomesText(outcomes: readonly GateOutcome[]): string {
  const names = (held: boolean) => outcomes.flatMap((outcome) => (outcome.held === held ? [outcome.gate] : []))
  const [held, broken] = [names(true), names(false)]
  return [
    ...(held.length === 0 ? [] : [`held: ${held.join(', ')}`]),
    ...(broken.length === 0 ? [] : [`not held: ${broken.join(', ')}`]),
  ].join('; ')
}

function gateText(gate: Gate): string {
  switch (gate.gate) {
    case 'reads-back':
      return 'reads-back: every change reads back as planned'
    case 'login':
      return 'login: a new login works, and all of this is asked over it'
    case 'ports':
      if (gate.ports.length === 0) return 'ports: no port listens, so none is asked'
      return gate.ports.length === 1
        ? `ports: port ${gate.ports[0]} still answers`
        : `ports: ${gate.ports.join(', ')} still answer`
    case 'drops':
      return dropsText(gate)
    case 'invalid': {
      const { mostPerSecond: most, beforePerSecond: before } = gate
      return `invalid: at most ${grouped(most)} packets a second are INVALID, ${within(gate)} (${rounded(before)}/s before)`
    }
  }
}

function dropsText(gate: DropsGate): string {
  const { mostPerSecond: most, beforePerSecond: before, because } = gate
  const limit = `at most ${grouped(most)} packets a second, ${within(gate)} (${rounded(before)}/s before); ${because}`
  switch (forecastOf(gate)) {
    case 'end':
      return `drops: no packet is dropped any more, ${within(gate)}; ${because}`
    case 'fall':
      return `drops: they fall to ${limit}`
    case 'hold':
      return `drops: only held from growing, ${limit}`
  }
}

function forecastOf({ mostPerSecond, beforePerSecond }: DropsGate): 'end' | 'fall' | 'hold' {
  if (mostPerSecond === 0) return 'end'
  return mostPerSecond < beforePerSecond ? 'fall' : 'hold'
}

/** Whole, so that hosts that differ by a packet now and then are shown together. */
function rounded(rate: number): string {
  return rate > 0 && rate < 0.5 ? 'under 1' : grouped(Math.round(rate))
}

function within({ withinSeconds }: { readonly withinSeconds: number }): string {
  return withinSeconds === 0 ? 'at once' : `within ${duration(withinSeconds)}`
}
