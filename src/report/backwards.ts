import type { Change } from '../model/change.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Run } from '../model/run.ts'

/** What a run did to its hosts, for reading: a rollback's record holds the plans that it took back. */
export function asDone({ command, results }: Pick<Run, 'command' | 'results'>): readonly HostResult[] {
  return command === 'rollback' ? results.map(turned) : results
}

function turned(result: HostResult): HostResult {
  return 'plan' in result && result.plan !== null ? ({ ...result, plan: backwards(result.plan) } as HostResult) : result
}

/** A plan as its undo is shown: changes in reverse order, each with its two sides swapped. For reading only. */
export function backwards(plan: Plan): Plan {
  const { sessionLoss = [], ...rest } = plan
  return {
    ...rest,
    strategy: `take back ${plan.strategy}`,
    changes: plan.changes.map(takenBack).reverse(),
    kept: [],
    considered: [],
    findings: [],
    notes: sessionLoss,
    gates: [],
  }
}

function takenBack(change: Change): Change {
  const { before, after, shown, volatile } = change
  // What moves by itself (entries of the table) does not come back to what it was.
  const swapped = volatile ? { before: [], after: [] } : { before: shown.after, after: shown.before }
  return { ...change, title: titleBack(change), before: after, after: before, shown: swapped, notes: [] }
}

/** What the undo does, in the words of a change: nobody shall have to turn a sentence around. */
function titleBack({ kind, title }: Change): string {
  switch (kind) {
    case 'firewall':
    case 'rules-file':
      return title
        .replaceAll(/\b(add|remove) (?=\d)/g, (_, verb: string) => (verb === 'add' ? 'remove ' : 'add '))
        .replace(/, which is made$/, ', which was made for them')
    case 'flush-entries':
      return `${title.replace(/^delete /, '')}: those that were deleted do not come back`
    case 'kernel-modules':
      return title.replace(/^unload /, 'load ')
    case 'sysctl':
    case 'hash-size':
      return title.replace(/^set (.+) to .+$/, 'set $1 back to what it was')
    case 'file':
      return title.replace(/^write (.+)$/, 'put $1 back as it was').replace(/^comment out (.+)$/, 'put back $1')
    default:
      return `take back: ${title}`
  }
}
