import { diagnose } from '../diagnosis/diagnose.ts'
import { type Health, healthOf } from '../diagnosis/health.ts'
import type { Thresholds } from '../diagnosis/thresholds.ts'
import type { Facts } from '../model/facts.ts'
import type { Fault } from '../model/fault.ts'
import type { Finding } from '../model/finding.ts'
import type { Verdict } from '../model/verdict.ts'
import { hostView } from '../playbook/names.ts'
import type { Playbook } from '../playbook/playbook.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import type { Step } from '../steps/step-kind.ts'
import { type Analysis, analyse } from '../strategies/analysis.ts'
import { bootNotes } from '../strategies/boot-notes.ts'
import { type Choice, choose } from '../strategies/choose.ts'
import type { Service } from '../strategies/notrack-analysis.ts'
import { untracksIn } from '../strategies/wanted-of-table.ts'
import { lockOf } from './held-by.ts'
import type { Where } from './where.ts'

/** What the operator asked for, the same for every host. */
export type Wish = {
  /** `auto`, or the name of one of the playbooks. */
  readonly strategy: string
  /** In order of preference. */
  readonly playbooks: readonly Playbook[]
  /** Ports to leave untracked; null: chosen per host. */
  readonly ports: readonly Service[] | null
  readonly thresholds: Thresholds
  /** Hosts for which it is not true are only looked at; absent or null: all are meant. */
  readonly where?: Where | null
}

export type Judgement = {
  /** That a transaction has the host for itself, which is then no state to judge; null where none has. */
  readonly locked: Fault | null
  readonly findings: readonly Finding[]
  readonly health: Health
  readonly analysis: Analysis
  readonly choice: Choice
}

/** What is found on a host and what would be done about it, from its facts alone: the same for a plan, an explanation and recorded facts. */
export function judgeHost(facts: Facts, wish: Wish): Judgement {
  const analysis = analyse(facts, wish.ports)
  const findings = [...brokenNotrack(analysis), ...diagnose(facts, wish.thresholds)]
  const locked = lockOf(facts)
  const measured = healthOf(findings)
  const health = locked !== null && measured === 'healthy' ? 'cannot-tell' : measured
  return {
    locked,
    findings,
    health,
    analysis,
    choice: choose(wish.playbooks, hostView(facts, analysis), health, wish.strategy),
  }
}

/** A reload of the firewall's own rules takes our accepts away and may leave NOTRACK: then the port is cut off, whatever the table holds. */
function brokenNotrack({ notrack: { standing, missing } }: Analysis): readonly Finding[] {
  if (missing.length === 0) return []
  const ports = standing.map(({ protocol, port }) => `${protocol} port ${port}`).join(', ')
  return [
    {
      rule: 'notrack-broken',
      severity: 'critical',
      title: `ctfleet left ${ports} untracked, and accepts that this needs are gone: connections there may be cut off`,
      evidence: ['was the firewall reloaded? missing:', ...missing],
    },
  ]
}

/** What another transaction has begun, or takes back in time, is neither healthy nor as a strategy wants it. */
export function blockedBy(
  fault: Fault,
  host: string,
  judged: { readonly findings: readonly Finding[]; readonly considered: readonly Verdict[] },
) {
  return { host, status: 'blocked', ...judged, why: fault.message, fault } as const
}

/** Where no strategy was chosen: none fits, or the one that was asked for does not. */
export function statusWithout(wish: Wish): 'no-strategy' | 'blocked' {
  return wish.strategy === 'auto' ? 'no-strategy' : 'blocked'
}

type Chosen = Choice & { readonly type: 'chosen' }

export function stepsOf({ steps }: Pick<Chosen, 'steps'>): readonly Step[] {
  return steps.flatMap(({ kind: name, want }) => {
    const kind = STEP_KINDS.find((each) => each.kind === name)
    // A playbook of an unknown kind does not load; a plan that leaves a step out without a word must not be made.
    if (kind === undefined) throw new Error(`there is no step kind ${name}`)
    return kind.bind(want)
  })
}

/** What a person must know before saying yes. */
export function notesOn({ notes, steps }: Chosen, facts: Facts, analysis: Analysis): readonly string[] {
  return [...notes, ...(untracksIn(steps) ? analysis.notrack.notes : []), ...bootNotes(facts, steps)]
}
