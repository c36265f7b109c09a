import { keepRules, rulesProbe, TABLES_PROBE } from '../firewall/normalise.ts'
import type { Facts } from '../model/facts.ts'
import type { Host } from '../model/host.ts'
import type { HostResult, LeftOut } from '../model/result.ts'
import { assemblePlan, type Judged, questionsFor } from '../plan/assemble.ts'
import { unbundle } from '../shell/bundle.ts'
import { lines, sh } from '../shell/script.ts'
import type { Analysis } from '../strategies/analysis.ts'
import type { Choice } from '../strategies/choose.ts'
import { untracksIn } from '../strategies/wanted-of-table.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { faultOfOutcome, gatherAsRoot, gatherFacts, newNonce } from './facts-host.ts'
import { STOPPED } from './fleet.ts'
import { blockedBy, judgeHost, notesOn, statusWithout, stepsOf, type Wish } from './judge-host.ts'
import { gatesFor } from './plan-gates.ts'
import { machineOf } from './same-machine.ts'
import { openToAsk, type Telling } from './story.ts'
import { leftOutBy } from './where.ts'

export type { Wish }

/** Looks at one host and says what should be done about it; two trips at most, and nothing on it changes. The session of a planned one is left to whoever changes it. */
export async function planHost(
  host: Host,
  wish: Wish,
  { signal, onStage, onFacts, kept }: Telling,
): Promise<HostResult | LeftOut> {
  onStage('connecting')
  // A session that is kept for the change is not to end with the signal of the phase that it was opened in.
  const opened = await (kept === undefined ? openSession(host, signal) : openToAsk(host, signal))
  if ('refused' in opened) return { host: host.name, status: 'unreachable', fault: opened.refused }
  let isKept = false
  const close = async () => await opened[Symbol.asyncDispose]()
  const stop = () => void close()
  signal.addEventListener('abort', stop)
  try {
    const result = signal.aborted ? notReached(host) : await planOver(opened, wish, { onStage, onFacts })
    isKept = kept !== undefined && result.status === 'planned' && !signal.aborted
    if (isKept) kept?.keep(opened)
    return result
  } finally {
    signal.removeEventListener('abort', stop)
    if (!isKept) await close()
  }
}

async function planOver(
  session: Session,
  wish: Wish,
  { onStage, onFacts }: Pick<Telling, 'onStage' | 'onFacts'>,
): Promise<HostResult | LeftOut> {
  const { host } = session
  onStage('reading')
  // Without root there is no plan; but whether the host is meant at all may be told.
  const read = await ((wish.where ?? null) === null ? gatherAsRoot(session) : gatherFacts(session))
  if ('refused' in read) return { host: host.name, status: 'failed', fault: read.refused }
  const { facts, notRoot } = read
  onFacts?.(facts)
  const leftOut = leftOutBy(wish.where, host.name, facts)
  // What cannot be told for want of root is a failure, with what to do about it.
  if (leftOut !== null && (notRoot === null || leftOut.status === 'left-out')) return leftOut
  if (notRoot !== null) return { host: host.name, status: 'failed', fault: notRoot }

  onStage('planning')
  const { locked, findings, analysis, choice } = judgeHost(facts, wish)
  const { considered } = choice
  if (locked !== null) return blockedBy(locked, host.name, { findings, considered })
  const machine = machineOf(facts.system)
  switch (choice.type) {
    case 'healthy':
      return { host: host.name, status: 'healthy', findings, considered }
    case 'none':
      return { host: host.name, status: statusWithout(wish), findings, considered, why: choice.why }
    case 'chosen': {
      const untracked = untracksIn(choice.steps) ? analysis.notrack : null
      return await planChosen(session, facts, {
        analysis,
        choice,
        judged: {
          host,
          ...(machine === undefined ? {} : { machine }),
          strategy: choice.playbook.name,
          considered,
          findings,
          notes: notesOn(choice, facts, analysis),
          rollbackNotes: untracked?.rollbackNotes ?? [],
          ...(untracked === null || untracked.sessionLoss.length === 0 ? {} : { sessionLoss: untracked.sessionLoss }),
          gates: gatesFor(host, facts, choice.playbook.verify, {
            services: untracked?.services ?? [],
            // Where the modules go it is they that end tracking.
            lastRules: analysis.unload.form === 'hooks' ? analysis.unload.edits : [],
          }),
        },
      })
    }
  }
}

function notReached({ name }: Host): HostResult {
  return { host: name, status: 'not-reached', why: STOPPED }
}

type Chosen = {
  readonly analysis: Analysis
  readonly choice: Choice & { readonly type: 'chosen' }
  readonly judged: Judged
}

async function planChosen(session: Session, facts: Facts, { analysis, choice, judged }: Chosen): Promise<HostResult> {
  const host = judged.host.name
  const steps = stepsOf(choice)
  const { tools } = facts.firewall
  const saveTools = {
    legacy: tools.known && tools.value.legacy !== null ? `${tools.value.legacy}-save` : null,
    nft: tools.known && tools.value.nft !== null ? `${tools.value.nft}-save` : null,
  }
  // Whatever a playbook is called: where it touches rules, both analyses' chains must still be as they were judged.
  const changesRules = choice.steps.some(({ kind }) => kind === 'firewall')
  const restsOn = [...analysis.unload.dependsOn, ...analysis.notrack.dependsOn]
  const rules = changesRules ? lines(rulesProbe(restsOn, saveTools), TABLES_PROBE) : sh`:`
  const questions = questionsFor(steps, rules, changesRules ? keepRules(restsOn, saveTools) : sh`:`)
  const nonce = newNonce()
  const outcome = await session.run(questions.script, { as: 'root', timeoutMs: 60_000, arguments: [nonce] })
  if ('refused' in outcome) return { host, status: 'failed', fault: outcome.refused }
  const fault = faultOfOutcome(outcome, 'reading the state of its steps')
  if (fault !== null) return { host, status: 'failed', fault }
  const answers = unbundle('stdout' in outcome ? outcome.stdout : '', nonce, questions.names)
  const plan = assemblePlan(judged, steps, questions, answers)
  if (!plan.known) {
    return { host, status: 'blocked', findings: judged.findings, considered: judged.considered, why: plan.why }
  }
  return { host, status: plan.value.changes.length === 0 ? 'already-right' : 'planned', plan: plan.value }
}
