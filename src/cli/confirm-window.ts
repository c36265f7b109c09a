import { leastToConfirm } from '../plan/gate-time.ts'
import { complainAbout } from './checks.ts'

/** Gates that may be asked, and of what: a playbook or a host. */
export type Asked = { readonly of: string; readonly gates: Parameters<typeof leastToConfirm>[0] }

/**
 * A window that is over before the gates are would take back what is right, so it is refused before any host is changed.
 * @param seconds that a host waits for its confirmation
 * @throws InputError with what it takes
 */
export function checkWindow(seconds: number, asked: readonly Asked[]): void {
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
