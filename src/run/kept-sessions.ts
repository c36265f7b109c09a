import type { Host } from '../model/host.ts'
import type { Session } from '../transport/transport.ts'

/** Sessions of the planning phase over which a change can go on: one login less for each host. */
export type KeptSessions = AsyncDisposable & {
  /** Has it from now on, and closes it when nobody comes for it in time, or where it has too many already. */
  keep(session: Session): void
  /** The one of this host, to whoever closes it then; null where there is none that is known to be good. */
  take(host: Pick<Host, 'name'>): Session | null
}

/** Each is a process on its host, and a file and some 35 KB here. */
const MOST = 200
/** A person may think for longer about a plan; then a new login is no loss. Milliseconds. */
const LONGEST = 120_000
/** A link that was cut says nothing. One that is asked every 8 s whether it is there, and answers, was heard lately. */
const LATELY = 10_000

export function keptSessions(): KeptSessions {
  const kept = new Map<string, { readonly session: Session; readonly timer: NodeJS.Timeout }>()
  const leaving = new Set<Promise<void>>()
  const close = (session: Session) => {
    const closed = Promise.resolve(session[Symbol.asyncDispose]()).catch(() => undefined)
    leaving.add(closed)
    void closed.then(() => leaving.delete(closed))
  }
  const remove = (name: string): Session | undefined => {
    const found = kept.get(name)
    clearTimeout(found?.timer)
    kept.delete(name)
    return found?.session
  }
  const drop = (name: string) => {
    const session = remove(name)
    if (session !== undefined) close(session)
  }
  return {
    keep(session) {
      const { name } = session.host
      drop(name)
      if (session.silentMs === undefined || kept.size >= MOST) return close(session)
      kept.set(name, { session, timer: setTimeout(() => drop(name), LONGEST) })
    },
    take({ name }) {
      const session = remove(name)
      if (session === undefined) return null
      if ((session.silentMs?.() ?? Number.POSITIVE_INFINITY) <= LATELY) return session
      close(session)
      return null
    },
    async [Symbol.asyncDispose]() {
      for (const name of [...kept.keys()]) drop(name)
      await Promise.all(leaving)
    },
  }
}
