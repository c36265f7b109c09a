import type { HostResult, HostStatus } from '../model/result.ts'
import { listed } from '../report/text/listed.ts'
import type { Share } from './waves.ts'

/** How many hosts may fail before no further one begins: of the first wave, where more come after it, and of all. */
export type Allowance = { readonly canary: number; readonly all: number }

/**
 * What the operator allows, of so many hosts. Unless he says otherwise the first of several waves may have no failure: it
 * is there to be believed. Later every tenth host may fail, and one in any case: a single host in trouble says something
 * about itself, a second one about the change. What he says holds for all waves, the first too.
 */
export function allowanceFor(maxFail: Share | null, hosts: number, waves: number): Allowance {
  if (maxFail !== null) {
    const all = 'hosts' in maxFail ? maxFail.hosts : Math.floor((maxFail.percent * hosts) / 100)
    return { canary: all, all }
  }
  const all = Math.max(1, Math.floor(hosts / 10))
  return { canary: waves > 1 ? 0 : all, all }
}

/** `unreachable` is a failure too, of a host that nobody touched. `not-begun` is none. */
export type CountsAs = 'well' | 'failed' | 'unreachable' | 'not-begun'

const COUNTS_AS: Readonly<Record<HostStatus, CountsAs>> = {
  applied: 'well',
  'already-right': 'well',
  healthy: 'well',
  'not-reached': 'not-begun',
  planned: 'not-begun',
  skipped: 'not-begun',
  declined: 'not-begun',
  'same-machine': 'not-begun',
  unreachable: 'unreachable',
  failed: 'failed',
  blocked: 'failed',
  'no-strategy': 'failed',
  refused: 'failed',
  'rolled-back': 'failed',
  'under-way': 'failed',
  'needs-hands': 'failed',
}

/** What a host's end means for the hosts after it. */
export function countsAs(result: HostResult): CountsAs {
  // As it was asked for: a rollback that came to its end.
  if (result.status === 'rolled-back' && result.fault === null) return 'well'
  if (result.status === 'applied' && result.fault !== undefined) return 'failed'
  return COUNTS_AS[result.status]
}

/** Who failed so far in a run, and whether that is too much. */
export type Budget = {
  readonly fail: (host: string, isCanary: boolean) => void
  /** Whether so many more failures could still be borne. */
  readonly bears: (more: number) => boolean
  /**
   * @param stragglers hosts that are taken for failed as long as they are not done
   * @param allowance another one than that of now. @returns why no host may begin, or null.
   */
  readonly spent: (stragglers: readonly string[], allowance?: Allowance) => string | null
}

/**
 * @param now how many may fail, as long as nobody else comes
 * @param failedBefore hosts of the run that failed before anything was changed
 */
export function newBudget(now: () => Allowance, failedBefore: readonly string[]): Budget {
  const failed = new Set(failedBefore)
  const canaries = new Set<string>()
  return {
    fail(host, isCanary) {
      failed.add(host)
      if (isCanary) canaries.add(host)
    },
    bears: (more) => failed.size + more <= now().all,
    spent(stragglers, allowance = now()) {
      if (canaries.size > allowance.canary) return `${listed([...canaries], 3)} of the first wave failed`
      const lost = [...failed, ...stragglers.filter((host) => !failed.has(host))]
      if (lost.length <= allowance.all) return null
      const many = lost.length === 1 ? '1 host' : `${lost.length} hosts`
      const slow = stragglers.length === 0 ? 'failed' : 'failed or did not end in time'
      return `${many} ${slow} (${listed(lost, 3)}), and ${allowance.all === 0 ? 'none' : `no more than ${allowance.all}`} may`
    },
  }
}
