import { tableDrops } from '../diagnosis/loss.ts'
import type { Change } from '../model/change.ts'
import type { Fault } from '../model/fault.ts'
import { sameJson } from '../model/json.ts'
import type { Plan } from '../model/plan.ts'
import { bundle, unbundle } from '../shell/bundle.ts'
import { approvedScript } from '../shell/script.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import { answers } from '../transport/answers.ts'
import type { Session } from '../transport/transport.ts'
import { faultOfOutcome, gatherFacts, newNonce } from './facts-host.ts'

/** Ports of the plan's gates that answer this machine now; only those are asked for again afterwards. */
export async function answeringPorts(plan: Plan): Promise<readonly number[]> {
  const asked = plan.gates.flatMap((gate) => (gate.gate === 'ports' ? gate.ports : []))
  const answered = await Promise.all(asked.map(async (port) => await answersAtAll(plan.host.address, port)))
  return asked.filter((_port, index) => answered[index])
}

/** All of the plan's gates, over a connection that was opened after the change; the first that does not hold. */
export async function checkGates(
  session: Session,
  plan: Plan,
  answeredBefore: readonly number[],
): Promise<Fault | null> {
  for (const gate of plan.gates) {
    const fault = await check(gate.gate)
    if (fault !== null) return fault
  }
  return null

  async function check(name: Plan['gates'][number]['gate']): Promise<Fault | null> {
    switch (name) {
      case 'reads-back':
        return await readsBack(
          session,
          plan.changes.filter(({ phase }) => phase === 'runtime'),
          'after',
        )
      case 'ports':
        return await stillAnswering(plan.host.address, answeredBefore)
      case 'drops':
        return await dropsEnded(session, plan)
    }
  }
}

/** Probes the changes once more and compares each with the state it should be in. */
export async function readsBack(
  session: Session,
  changes: readonly Change[],
  expected: 'before' | 'after',
): Promise<Fault | null> {
  const steady = changes.filter((change) => !change.volatile)
  if (steady.length === 0) return null
  const nonce = newNonce()
  const script = bundle(
    steady.map(({ id, probe }) => ({ name: id, probe: approvedScript(probe) })),
    { bytes: 262144 },
  )
  const outcome = await session.run(script, { as: 'root', timeoutMs: 60_000, arguments: [nonce] })
  if ('refused' in outcome) return outcome.refused
  const fault = faultOfOutcome(outcome, 'reading the changes back')
  if (fault !== null) return fault
  const sections = unbundle(
    'stdout' in outcome ? outcome.stdout : '',
    nonce,
    steady.map(({ id }) => id),
  )
  for (const change of steady) {
    const section = sections.get(change.id)
    const kind = STEP_KINDS.find(({ kind }) => kind === change.kind)
    if (section === undefined || !section.known || kind === undefined)
      return notVerified(`${change.title} could not be read back`)
    const now = kind.read(section.value.output, change.want)
    if (!now.known) return notVerified(`${change.title} could not be read back: ${now.why}`)
    if (!sameJson(now.value, change[expected])) {
      return notVerified(
        `${change.title}: the host does not read as it should ${expected === 'after' ? 'now' : 'after the undo'}`,
      )
    }
  }
  return null
}

async function stillAnswering(address: string, ports: readonly number[]): Promise<Fault | null> {
  for (const port of ports) {
    if (await answersAtAll(address, port)) continue
    return notVerified(`port ${port} answered before the change and does not answer now`)
  }
  return null
}

/** A SYN may be lost to a table that is full; three tries before it counts, before the change as after it. */
async function answersAtAll(address: string, port: number): Promise<boolean> {
  return (await answers(address, port)) || (await answers(address, port)) || (await answers(address, port))
}

async function dropsEnded(session: Session, plan: Plan): Promise<Fault | null> {
  const within = plan.gates.find((gate) => gate.gate === 'drops')?.withinSeconds ?? 0
  const deadline = Date.now() + within * 1000
  for (;;) {
    const read = await gatherFacts(session)
    if ('refused' in read) return read.refused
    const { conntrack, counters } = read.facts
    // Where nothing is tracked any more nothing is dropped for a full table.
    if (conntrack.generation.known && conntrack.generation.value === 'none') return null
    const drop = tableDrops(counters)
    if (!drop.known) return notVerified(`whether the host still drops is not known: ${drop.why}`)
    if (drop.value === 0) return null
    if (Date.now() >= deadline) {
      const seconds = read.facts.counters.seconds
      return notVerified(
        `the host still drops: ${drop.value} packets in ${seconds.known ? Math.round(seconds.value) : '?'} s`,
      )
    }
  }
}

function notVerified(message: string): Fault {
  return { code: 'not-verified', message, next: 'run ctfleet plan again to see the host as it is now' }
}
