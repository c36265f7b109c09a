import type { Change } from '../model/change.ts'
import type { Fault } from '../model/fault.ts'
import type { Json } from '../model/json.ts'
import { type Reading, unknown } from '../model/reading.ts'
import { bundle, type Section, unbundle } from '../shell/bundle.ts'
import { approvedScript } from '../shell/script.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { faultOfOutcome, newNonce } from './facts-host.ts'

/** The state that each change is about, as it is now, in the order of the changes. Changes nothing. */
export async function readChanges(
  session: Session,
  changes: readonly Change[],
  timeoutMs: number,
): Promise<{ readonly states: readonly Reading<Json>[] } | { readonly fault: Fault }> {
  const names = changes.map((_, at) => `change-${at + 1}`)
  const probes = changes.map(({ probe }, at) => ({ name: names[at] ?? '', probe: approvedScript(probe) }))
  const nonce = newNonce()
  const script = bundle(probes, { bytes: 262144 })
  const outcome = await session.run(script, { as: 'root', timeoutMs, arguments: [nonce] })
  if ('refused' in outcome) return { fault: outcome.refused }
  const fault = faultOfOutcome(outcome, 'reading the changes back')
  if (fault !== null) return { fault }
  const sections = unbundle('stdout' in outcome ? outcome.stdout : '', nonce, names)
  return { states: changes.map((change, at) => stateOf(change, sections.get(names[at] ?? ''))) }
}

function stateOf({ kind: name, want }: Change, section: Reading<Section> | undefined): Reading<Json> {
  const kind = STEP_KINDS.find(({ kind }) => kind === name)
  if (kind === undefined) return unknown(`this ctfleet knows no step kind ${name}`)
  if (section === undefined) return unknown('the host did not answer')
  if (!section.known) return section
  if (section.value.truncated) return unknown('the host answered more than is taken in')
  return kind.read(section.value.output, want)
}
