import { goneFrom } from '../audit/drift/gone.ts'
import { readTraces, type Traces, traceProbes } from '../audit/drift/traces.ts'
import { type DriftLook, driftOf, isInQuestion } from '../audit/drift.ts'
import { worstFirst } from '../audit/judge.ts'
import type { Policy } from '../audit/policy.ts'
import { unwrittenOf } from '../audit/unwritten.ts'
import type { AuditResult } from '../model/audit.ts'
import type { Facts } from '../model/facts.ts'
import type { Host } from '../model/host.ts'
import { type Reading, unknown } from '../model/reading.ts'
import type { VerifyResult } from '../model/verification.ts'
import { bundle, type Section, unbundle } from '../shell/bundle.ts'
import { liveRules } from '../strategies/live-rules.ts'
import type { Session } from '../transport/transport.ts'
import { isSameWay } from './applied-last.ts'
import { faultOfOutcome, newNonce } from './facts-host.ts'
import { machineOf } from './same-machine.ts'
import { type Applied, changesMade, verifyOver } from './verify-host.ts'

const TIMEOUT_MS = 60_000

/**
 * The same result, with what is not as ctfleet applied it last, and who did it. Two trips more, and a third where something
 * is in question; nothing on the host changes.
 */
export async function withDrift<Result extends Extract<AuditResult, { readonly status: 'audited' }>>(
  result: Result,
  { host, facts, applied, policy }: Look & { readonly policy: Policy },
  session: Session,
): Promise<Result> {
  const looked = await verifyOver(session, applied, false)
  if (isOfAnother(looked, { host, facts, applied })) return result
  const changes = changesMade(applied)
  const look = { looked, changes, strategy: applied.plan.strategy, facts, live: liveRules(facts) }
  const traces = isInQuestion(look) ? await readTracesOver(session, look, applied) : null
  const isFirstAid = applied.until !== undefined
  const unwritten = looked.status === 'in-force' && !isFirstAid ? unwrittenOf(applied.plan, facts, policy) : null
  const found = [driftOf({ ...look, traces }, policy), unwritten].flatMap((finding) => finding ?? [])
  return { ...result, findings: worstFirst([...result.findings, ...found]) }
}

type Look = { readonly host: Host; readonly facts: Facts; readonly applied: Applied }

/**
 * Whether nothing shows that it was this host to which that was applied: another one may have its name in another inventory. A
 * host may move to another address, and keeps its journal; it may lose that, and keeps its address, or runs on.
 */
function isOfAnother(looked: VerifyResult, { host, facts, applied: { plan } }: Look): boolean {
  const isMissing = 'journal' in looked && looked.journal === 'missing'
  const machine = machineOf(facts.system)
  return isMissing && !isSameWay(host, plan.host) && (machine === undefined || machine !== plan.machine)
}

async function readTracesOver(
  session: Session,
  { looked, changes }: Pick<DriftLook, 'looked' | 'changes'>,
  { transaction }: Applied,
): Promise<Traces> {
  const { words, paths } = goneFrom(changes, 'changes' in looked ? looked.changes : [])
  const probes = traceProbes(transaction, { words, paths })
  const nonce = newNonce()
  const outcome = await session.run(bundle(probes, { bytes: 60_000 }), {
    as: 'root',
    timeoutMs: TIMEOUT_MS,
    arguments: [nonce],
  })
  const fault = 'refused' in outcome ? outcome.refused : faultOfOutcome(outcome, 'looking who was at work')
  const stdout = fault === null && 'stdout' in outcome ? outcome.stdout : ''
  const sections = unbundle(
    stdout,
    nonce,
    probes.map(({ name }) => name),
  )
  return readTraces(
    (name): Reading<Section> =>
      fault === null ? (sections.get(name) ?? unknown('the host did not answer')) : unknown(fault.message),
  )
}
