/** Where a password is tried: by itself it says nothing of whom it may lock out. */
export type Account = { readonly user: string; readonly password: string }

/** One try of a password at one host, until it is said what came of it. `unsaid`: the link broke, or time was up. */
export type Trial = { end(verdict: 'accepted' | 'refused' | 'unsaid'): void }

/**
 * Keeps a wrong password from locking an account out: it is never tried twice at a place where it was refused, and no
 * further where the first hosts refused it and none took it.
 */
export type Trials = {
  /** @param place where it is tried, as `placeNameOf` has it; waits while as many as may refuse it have not answered yet. */
  begin(account: Account, place: string): Promise<Trial | { readonly stopped: string }>
}

/** Where a way leads: the same address behind another jump host is another place. */
export function placeNameOf(way: Place & { readonly jumps?: readonly Place[] }): string {
  return [...(way.jumps ?? []), way].map(({ address, port }) => `${address}:${port}`).join(' ')
}

type Place = { readonly address: string; readonly port: number }

/** Hosts that may refuse a password that none has taken. */
const MOST_REFUSALS = 3

/** Of logins; becoming root asks another account, and has its own. */
export const loginTrials: Trials = newTrials()

export function newTrials(): Trials {
  const all = new Map<string, Tried>()
  const standingOf = ({ user, password }: Account): Tried => {
    const key = `${user}\0${password}`
    const known = all.get(key)
    if (known !== undefined) return known
    const fresh: Tried = { accepted: false, refusedAt: new Set(), undecided: 0, waiting: [] }
    all.set(key, fresh)
    return fresh
  }
  return {
    async begin(account, place) {
      const standing = standingOf(account)
      for (;;) {
        if (standing.refusedAt.has(place)) return { stopped: 'it was refused here before, and is tried once only' }
        if (standing.accepted) break
        if (standing.refusedAt.size >= MOST_REFUSALS) {
          const message = `it was refused by ${standing.refusedAt.size} hosts and taken by none, and trying it on more could lock the account`
          return { stopped: message }
        }
        if (standing.refusedAt.size + standing.undecided < MOST_REFUSALS) break
        await new Promise<void>((resolve) => standing.waiting.push(resolve))
      }
      standing.undecided += 1
      return { end: onceOnly((verdict) => decide(standing, place, verdict)) }
    },
  }
}

type Tried = {
  accepted: boolean
  readonly refusedAt: Set<string>
  undecided: number
  waiting: (() => void)[]
}

function decide(standing: Tried, place: string, verdict: Parameters<Trial['end']>[0]): void {
  standing.undecided -= 1
  if (verdict === 'accepted') standing.accepted = true
  if (verdict === 'refused') standing.refusedAt.add(place)
  const woken = standing.waiting
  standing.waiting = []
  for (const wake of woken) wake()
}

function onceOnly<T>(work: (value: T) => void): (value: T) => void {
  let done = false
  return (value) => {
    if (done) return
    done = true
    work(value)
  }
}
