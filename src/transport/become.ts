import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Script } from '../shell/script.ts'
import { whyNoClimb, whyNotRun } from './become-fault.ts'
import { type Climb, prepareErrand } from './bootstrap.ts'
import { keyring } from './keyring.ts'
import { type Launch, type RunResult, runErrand, type Stopped } from './running.ts'
import type { Secret } from './talk.ts'
import type { RunHow } from './transport.ts'
import { newTrials, placeNameOf } from './trials.ts'

/** A session's way to run something on its host. */
export type Way = {
  readonly host: Host
  /** The session's life. */
  readonly signal: AbortSignal
  readonly launch: Launch
  /** `launch` can start it on a terminal. */
  readonly hasTerminals: boolean
}

/** Of becoming root; logins have their own. */
const trials = newTrials()
/**
 * What this process has seen at a place: sudo wants a terminal (requiretty), or asked for no password last time, so that
 * the script need not wait for it; or a password was refused.
 */
const wantTerminal = new Set<string>()
const didNotAsk = new Set<string>()
const refusedAt = new Map<string, { readonly password: string; readonly fault: Fault }>()

/**
 * Runs a script as whom it shall, by way of sudo, doas or su where root is wanted and the login is not root's. A password
 * that the keyring holds is told to nothing but a prompt, and where it was refused never again by this process.
 * Rejects for nothing but what `onLine` threw.
 */
export async function runScript(
  script: Script,
  how: RunHow,
  { host, signal, launch, hasTerminals }: Way,
): Promise<RunResult> {
  const started = performance.now()
  const place = accountAt(host)
  const password = how.as === 'root' && !isRoot(host) ? keyring.becomePassword(host) : undefined
  const before = refusedAt.get(place)
  if (before !== undefined && before.password === password) return { refused: before.fault }
  const secret = password === undefined ? undefined : secretFor(host, password)
  for (let climb = firstClimb(host, how.as, secret !== undefined); ; ) {
    const refused = whyNoClimb(climb, { host, password, hasTerminals })
    if (refused !== null) return { refused }
    const errand = prepareErrand(script, how, climb)
    const timeoutMs = Math.max(1, how.timeoutMs - (performance.now() - started))
    const means = { signal, launch, ...(secret === undefined ? {} : { secret }) }
    const result = await runErrand(errand, { ...how, timeoutMs }, means)
    if (!('stopped' in result)) {
      if (climb.by === 'sudo' && secret?.wasAsked === false) didNotAsk.add(place)
      return 'afterMs' in result ? { ...result, afterMs: how.timeoutMs } : result
    }
    const { stopped } = result
    const next = nextClimb(climb, stopped, secret !== undefined)
    if (next === null) {
      const fault = whyNotRun(stopped, climb, host)
      if (password !== undefined && stopped.asked === 'not-taken') refusedAt.set(place, { password, fault })
      return { refused: fault }
    }
    if (next.terminal) wantTerminal.add(place)
    if (next.password) didNotAsk.delete(place)
    climb = next
  }
}

function firstClimb(host: Host, as: RunHow['as'], knowsPassword: boolean): Climb {
  if (as === 'login-user') return { by: 'login', password: false, terminal: false }
  const { becomeUser: user } = host
  const by = isRoot(host) ? 'none' : host.become
  const place = accountAt(host)
  const password = knowsPassword && by !== 'none' && !(by === 'sudo' && didNotAsk.has(place))
  // doas reads a password from a terminal alone, and su may.
  const terminal = by === 'su' || (by === 'doas' && password) || (by === 'sudo' && wantTerminal.has(place))
  return { by, ...(user === undefined ? {} : { user }), password, terminal }
}

/** What else to try where sudo refused; null where that was its answer. Of each kind once. */
function nextClimb(climb: Climb, { stage, asked, words }: Stopped, knowsPassword: boolean): Climb | null {
  if (stage !== 'sudo' || asked !== 'nothing') return null
  // Before anything was asked: `sorry, you must have a tty to run sudo`.
  if (!climb.terminal && /\btty\b|terminal/i.test(words)) return { ...climb, terminal: true }
  return knowsPassword && !climb.password ? { ...climb, password: true } : null
}

/** Nothing needs to be asked for, then. Here we are who we are, whatever the inventory says. */
function isRoot({ user, transport }: Host): boolean {
  return user === 'root' && transport !== 'local'
}

/** With a word for whether it was asked for at all. */
function secretFor(host: Host, password: string): Secret & { readonly wasAsked: boolean } {
  // sudo and doas ask for the password of who logged in, su for that of who it becomes.
  const user = host.become === 'su' ? (host.becomeUser ?? 'root') : host.user
  let wasAsked = false
  return {
    password,
    get wasAsked() {
      return wasAsked
    },
    begin: async () => {
      wasAsked = true
      return await trials.begin({ user, password }, accountAt(host))
    },
  }
}

/** Each login user asks sudo for an account of its own. */
function accountAt(host: Host): string {
  return `${host.user} ${placeNameOf(host)}`
}
