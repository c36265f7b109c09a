import type { HostResult } from '../model/result.ts'
import { leastToConfirm } from '../plan/gate-time.ts'
import type { Wish } from '../run/judge-host.ts'
import { complainAbout } from './checks.ts'

/** Gates that may be asked, and of what: a playbook or a host. */
export type Gated = { readonly of: string; readonly gates: Parameters<typeof leastToConfirm>[0] }

/** How long a host waits for its confirmation unless --confirm-within says something else, in seconds. */
const CONFIRM_WITHIN = 60

/** What has to be typed besides, so that `apply` has time for what these ask; nothing where the usual time is enough. */
export function windowWords(asked: readonly Gated[]): readonly string[] {
  const least = Math.max(0, ...asked.map(({ gates }) => leastToConfirm(gates)))
  return least > CONFIRM_WITHIN ? ['--confirm-within', `${least}s`] : []
}

/** What is asked of the hosts that these playbooks may be chosen for. */
export function askedBy({ strategy, playbooks }: Pick<Wish, 'strategy' | 'playbooks'>): readonly Gated[] {
  const chosen = strategy === 'auto' ? playbooks : playbooks.filter(({ name }) => name === strategy)
  return chosen.map(({ name, verify }) => ({ of: name, gates: verify }))
}

/** What plans ask of their hosts. */
export function askedOf(results: readonly HostResult[]): readonly Gated[] {
  return results.flatMap((result) =>
    result.status === 'planned' ? [{ of: result.host, gates: result.plan.gates }] : [],
  )
}

/**
 * A window that is over before the gates are would take back what is right, so it is refused before any host is changed.
 * @param seconds that a host waits for its confirmation
 * @throws InputError with what it takes
 */
export function checkWindow(seconds: number, asked: readonly Gated[]): void {
  const [slowest] = asked.toSorted((a, b) => leastToConfirm(b.gates) - leastToConfirm(a.gates))
  if (slowest === undefined) return
  const least = leastToConfirm(slowest.gates)
  if (seconds >= least) return
  throw complainAbout(
    '--confirm-within',
    `${seconds} s are too few: what ${slowest.of} asks before a change is kept may take ${least} s, a new login included`,
    `--confirm-within ${least}s, or shorter waits under verify in the playbook`,
  )
}
